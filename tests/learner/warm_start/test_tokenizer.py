"""The tokenizer: loses nothing, one token a word, and the shipped one too."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from learner.warm_start.tokenizer import CONTROL, MARKUP, build_tokenizer
from services.rendering.tokenizer import ModelTokenizer

POLICY = Path(__file__).parents[3] / "learner/policy"
PHRASE = "\nalways the same: "


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    built = build_tokenizer(["echo amber >> cedar.txt", "cannot see amber/flint"], [PHRASE])
    built.encode_special_tokens = True
    return built


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    shipped = ModelTokenizer(POLICY)
    assert shipped.decode(shipped.encode(text)) == text


@pytest.mark.parametrize("text", ["amber", " amber", "/amber", "amber.txt", "\namber"])
def test_word_is_the_same_token_wherever_it_stands(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.token_to_id("amber") in tokenizer.encode(text).ids


def test_phrases_and_markup_are_one_token(tokenizer: Tokenizer) -> None:
    for text in (PHRASE, *MARKUP):
        assert len(tokenizer.encode(text).ids) == 1


def test_written_control_tokens_are_only_characters(tokenizer: Tokenizer) -> None:
    for number, text in enumerate(CONTROL):
        assert tokenizer.token_to_id(text) == number
        assert number not in tokenizer.encode(text).ids


def test_vocabulary_has_no_holes(tokenizer: Tokenizer) -> None:
    assert sorted(tokenizer.get_vocab().values()) == list(range(tokenizer.get_vocab_size()))
