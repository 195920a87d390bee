"""A tokenizer of a model folder, in the shape that `renderers` asks for, without `transformers`."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

_SHORT = 64  # characters; a template repeats such pieces in every turn


class ModelTokenizer:
    """Encodes and decodes with `tokenizer.json` of a Hugging Face model folder.

    Text never becomes a control token: `<|im_start|>` written by an agent or a tool is encoded as
    ordinary characters, so nobody can forge a turn. Renderers place control tokens by id.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.encode_special_tokens = True
        self._encode_short = lru_cache(4096)(self._encode)
        self.name_or_path = str(folder)
        self.unk_token_id: int | None = None
        self.eos_token_id = self._eos_of(folder)

    @property
    def vocabulary_size(self) -> int:
        return self._tokenizer.get_vocab_size()

    def encode(self, text: str, *_: object, **__: object) -> list[int]:
        return list(self._encode_short(text) if len(text) <= _SHORT else self._encode(text))

    def _encode(self, text: str) -> list[int]:
        (encoding,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)  # without offsets
        ids: list[int] = encoding.ids
        return ids

    def decode(self, token_ids: int | Sequence[int], *_: object, **options: Any) -> str:
        ids = [token_ids] if isinstance(token_ids, int) else list(token_ids)
        return self._tokenizer.decode(ids, skip_special_tokens=bool(options.get("skip_special_tokens")))

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        if isinstance(tokens, str):
            return self._tokenizer.token_to_id(tokens)
        return [self._tokenizer.token_to_id(token) for token in tokens]

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        if isinstance(ids, int):
            return self._tokenizer.id_to_token(ids)
        return [self._tokenizer.id_to_token(token_id) for token_id in ids]

    @staticmethod
    def _eos_of(folder: Path) -> int | None:
        config = json.loads((folder / "config.json").read_text())
        eos: int | list[int] | None = config.get("eos_token_id")
        return eos[0] if isinstance(eos, list) else eos
