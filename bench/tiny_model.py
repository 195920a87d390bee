"""A model folder without weights: a small byte-level tokenizer with Qwen3's control tokens."""

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKUP = ("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
CONTEXT_LENGTH = 8192


def write_tiny_model(folder: Path, texts: Sequence[str], vocabulary_size: int = 1024) -> Path:
    """Writes `tokenizer.json`, trained on `texts`, and `config.json`. Returns the folder."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=vocabulary_size - len(MARKUP),
        special_tokens=list(CONTROL),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in MARKUP])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "model_type": "qwen3",
        "vocab_size": vocabulary_size,
        "eos_token_id": tokenizer.token_to_id("<|im_end|>"),
        "max_position_embeddings": CONTEXT_LENGTH,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder
