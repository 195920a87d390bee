"""Which answers count as the accepted one, and where a reply has its answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.search.judge.answer import answer_of
from environments.search.judge.match import matches, normalised


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("Ada Bek", "Ada Bek"),
        ("  ada   bek. ", "Ada Bek"),
        ("The Quiet Mirror", "Quiet Mirror"),
        ("“The Quiet Mirror”", "The Quiet Mirror"),
        ("Zoë Müller", "Zoe Muller"),
        ("1,811", "1811"),
        ("O'Hara", "OHara"),
        ("ＡＤＡ", "ada"),
        ("The", "the"),
        ("In 1811.", "in 1811"),
        ("Well-known", "well known"),
        ("1914–1918", "1914-1918"),
        ("−5", "-5"),
        ("an Elm", "the elm"),
        ("c++.", "C++"),
        ("Vitamin A", "vitamin a"),
    ],
)
def test_spellings_of_one_answer(answer: str, accepted: str) -> None:
    assert matches(answer, [accepted])


@pytest.mark.parametrize(
    "answer", ["", " ", "?", "the", "Ada", "Bek Ada", "Ada Bek or Ivo Bek", "not Ada Bek", "{}"]
)
def test_other_answers(answer: str) -> None:
    assert not matches(answer, ["Ada Bek"])


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("C", "C++"),
        ("C", "C#"),
        ("-5", "5"),
        ("-$5", "$5"),
        ("-.5", ".5"),
        ("Vitamin A", "Vitamin"),
        ("3.14", "3 14"),
        ("3.14", "314"),
        (".5", "5"),
        ("3,1415", "31415"),
        ("Mirror of the Sea", "Mirror of Sea"),
        ("+", "?"),
    ],
)
def test_signs_and_articles_that_make_another_answer(answer: str, accepted: str) -> None:
    assert not matches(answer, [accepted])
    assert not matches(accepted, [answer])


@given(st.text(), st.text())
def test_only_equal_answers_match(answer: str, accepted: str) -> None:
    assert matches(answer, [accepted]) == (normalised(answer) == normalised(accepted) != "")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Answer: Elm", "Elm"),
        ("I looked.\n**Final answer:** Elm\n", "Elm"),
        ("Answer: Ash\nNo.\nAnswer: Elm", "Elm"),
        ("<think>Answer: Ash</think>\nElm", "Elm"),
        ("Elm", "Elm"),
        ("My answer: Elm", "My answer: Elm"),
        ("Answer: Elm\nAsh", ""),
        ("Answer:\nElm", "Elm"),
        ("Elm\nAsh", ""),
        ("Answer:", ""),
        ("", ""),
        ("x" * 301, ""),
        ("Answer: " + "x, " * 200, ""),
    ],
)
def test_where_the_answer_is(reply: str, answer: str) -> None:
    assert answer_of(reply) == answer
