"""The local index finds pages, shows whole sentences, and takes any query as words."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from environments.search.corpus.page import Page
from environments.search.corpus.sentences import sentences
from environments.search.index.local import LocalIndex
from environments.search.index.snippet import snippet
from services.kit.failure import Missing

PAGES = [
    Page(
        "a.html",
        "Amber Ferry",
        "Amber Ferry\n\nThe ferry crosses the Wend. It was launched in 1811. It is red.",
    ),
    Page("b.html", "Wend", "Wend\n\nThe Wend is a river. Boats are rare."),
    Page("c.html", "Bridges", "Bridges\n\nMany bridges cross the Wend, and one ferry crossed it once."),
]


async def test_best_page_first_with_its_sentences() -> None:
    hits = await LocalIndex(PAGES).search("When was the amber ferry launched?", 2)
    assert [hit.page for hit in hits] == ["a.html", "c.html"]
    assert hits[0].snippet == "The ferry crosses the Wend. It was launched in 1811."


async def test_stems_match() -> None:
    assert [hit.page for hit in await LocalIndex(PAGES).search("bridge crossing", 1)] == ["c.html"]


async def test_a_missing_page_is_named_with_advice() -> None:
    with pytest.raises(Missing) as missing:
        await LocalIndex(PAGES).open("a.htm")
    assert missing.value.remedy == "did you mean a.html?"


async def test_equal_scores_keep_the_order_of_the_pages() -> None:
    same = [Page(f"{number:03}", "Twin", "Twins are alike.") for number in range(50)]
    for _ in range(3):
        hits = await LocalIndex(same).search("twin", 50)
        assert [hit.page for hit in hits] == [page.id for page in same]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_query_is_just_words(query: str) -> None:
    index = LocalIndex(PAGES)
    assert len(asyncio.run(index.search(query, 3))) <= 3


@given(st.text(max_size=30), st.text(alphabet="ab. \nA", max_size=300))
def test_a_snippet_consists_of_whole_sentences(query: str, text: str) -> None:
    shown = snippet(query, text, length=40)
    assert bool(shown) == bool(sentences(text))
    for sentence in sentences(shown):
        assert sentence in " ".join(sentences(text))


def test_only_an_endless_sentence_is_cut_and_says_so() -> None:
    assert snippet("x", "word " * 200).endswith(" …")
