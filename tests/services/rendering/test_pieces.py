"""Pieces of tokens: together they are the text, whatever the ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.tiny_model import write_tiny_model
from services.rendering.pieces import pieces
from services.rendering.tokenizer import ModelTokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> ModelTokenizer:
    return ModelTokenizer(write_tiny_model(tmp_path_factory.mktemp("model"), ["a b c"], 300))


def test_a_character_of_several_tokens_stands_at_the_last_of_them(tokenizer: ModelTokenizer) -> None:
    ids = tokenizer.encode("né☕!")
    found = pieces(tokenizer, ids)
    assert "".join(found) == "né☕!"
    assert found == ["n", "", "é", "", "", "☕", "!"]


def test_bytes_that_are_no_character_hold_nothing_up(tokenizer: ModelTokenizer) -> None:
    broken = tokenizer.encode("☕")[:1]
    found = pieces(tokenizer, [*broken, *tokenizer.encode("ab")])
    assert "".join(found).endswith("ab")
    assert found[-1] == "b"


@given(st.text(max_size=40))
def test_together_they_are_the_text(tokenizer: ModelTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    found = pieces(tokenizer, ids)
    assert len(found) == len(ids)
    assert "".join(found) == tokenizer.decode(ids)
