"""A byte-level BPE tokenizer in which every word of the demonstrations is one token."""

from collections.abc import Iterator, Sequence

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as Steps
from tokenizers.trainers import BpeTrainer

# A word is the same token after a space, after a slash and at the start of a line, so that copying it
# never needs a table of spellings. An ending keeps its dot, a sign keeps the spaces around it.
PIECES = r"\.\p{L}+| ?[^\s\p{L}\p{N}]+ ?|\p{L}+|\p{N}|\s+"

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
ROLES = "system\nuser\nassistant\n"
MARKUP = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")

END_OF_TEXT, _, END_OF_TURN = range(len(CONTROL))


def build_tokenizer(texts: Sequence[str], phrases: Sequence[str]) -> Tokenizer:
    """`texts` give the words; each of `phrases`, which recur word for word, becomes one token."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = Steps(
        [Split(Regex(PIECES), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=65_536,  # never reached: merging stops when every piece is one token
        min_frequency=1,
        special_tokens=list(CONTROL),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted(set(_pieces([ROLES, *texts]))), trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in (*MARKUP, *phrases)])
    return tokenizer


def _pieces(texts: Sequence[str]) -> Iterator[str]:
    split = Split(Regex(PIECES), "isolated")
    for text in texts:
        yield from (piece for piece, _ in split.pre_tokenize_str(text))
