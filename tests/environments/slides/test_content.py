"""Words are compared without the punctuation around them, however much of it a page has."""

import pytest

from environments.slides.scoring.content import plain


@pytest.mark.parametrize(
    ("text", "bare"), [("“Über-Fluss”,", "über-fluss"), ("a", "a"), ("(a!b)", "a!b"), ("...", ""), ("", "")]
)
def test_what_is_around_a_word_does_not_count(text: str, bare: str) -> None:
    assert plain(text) == bare


@pytest.mark.timeout(30)
def test_a_long_word_takes_no_longer_than_its_length_is_worth() -> None:
    assert plain("a" + "!" * 300_000 + "b!") == "a" + "!" * 300_000 + "b"
