"""Sentences stay whole and nothing of a text is lost."""

from hypothesis import given
from hypothesis import strategies as st

from environments.search.corpus.sentences import sentences


def test_abbreviations_and_paragraphs() -> None:
    text = "Dr. Ada Bek was here. She left!\n\nNo. 5 is e.g. Blue\n\nWas it? “Yes.” It was"
    assert list(sentences(text)) == [
        "Dr. Ada Bek was here.",
        "She left!",
        "No. 5 is e.g. Blue",
        "Was it?",
        "“Yes.”",
        "It was",
    ]


@given(st.text(alphabet='aB .!?"\n1', max_size=200))
def test_nothing_is_lost(text: str) -> None:
    assert " ".join(" ".join(sentences(text)).split()) == " ".join(text.split())
