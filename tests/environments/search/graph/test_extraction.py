"""Reading a corpus gives back exactly what was written into it; other corpora give clozes."""

import json
from typing import Any

import pytest

from environments.message import Message
from environments.search.corpus.encyclopedia.prose import articles
from environments.search.corpus.encyclopedia.relations import RELATIONS
from environments.search.corpus.encyclopedia.world import draw_world
from environments.search.corpus.html import html_page
from environments.search.corpus.page import Link, Page
from environments.search.graph.extraction import LinkSentences, SentencePatterns
from environments.search.graph.model import ModelExtractor

FERRY = Page(
    "ferry.html",
    "Ferry",
    "Ferry\n\nA ferry was often built by the Wend Yard near the old town. It is red.\n\nWend Yard",
    (Link("Wend Yard", "yard.html"), Link("Gone", "gone.html")),
)
YARD = Page("yard.html", "Yard on the Wend", "It builds.")


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
async def test_extraction_is_exact_on_the_encyclopedia(seed: int) -> None:
    world, read = draw_world(seed), SentencePatterns(RELATIONS)
    pages = [html_page(name, html) for name, html in articles(world, seed)]
    triples = [triple for page in pages for triple in await read.extract(page)]
    found = sorted((triple.subject, triple.relation, triple.object) for triple in triples)
    assert found == sorted((fact.subject, fact.relation.name, fact.object) for fact in world.facts)


async def test_only_whole_sentences_about_the_page_itself_count() -> None:
    told = (
        "The town of Elm is the birthplace of Ivo. Ada was born in the town of Oak last year. It is said so."
    )
    page = Page("ada", "Ada", f"{told} The town of Ash is the birthplace of Ada.")
    triples = await SentencePatterns(RELATIONS).extract(page)
    assert [(one.relation, one.object) for one in triples] == [
        ("born_in", "Oak last year"),
        ("born_in", "Ash"),
    ]


async def test_linked_sentences_become_clozes() -> None:
    read = LinkSentences([FERRY, YARD])
    (triple,) = await read.extract(FERRY)
    assert (triple.subject, triple.object) == ("Ferry", "Yard on the Wend")
    assert triple.relation == "A ferry was often built by the {object} near the old town."
    relation = read.relation(triple.relation)
    asked = relation.forward.ask.format(it="Ferry")
    assert "___" in asked
    assert "Wend Yard" not in asked
    assert relation.backward is not None


async def test_pages_that_share_a_title_are_left_out() -> None:
    twin = Page("other.html", "Yard on the Wend", "")
    assert await LinkSentences([FERRY, YARD, twin]).extract(FERRY) == []


class Scripted:
    """A model that says the same whatever it is asked."""

    def __init__(self, said: str) -> None:
        self.said = said

    async def reply(self, messages: list[Message], tools: Any = None, temperature: float = 0.0) -> Message:
        return {"role": "assistant", "content": self.said}


async def test_a_model_is_believed_only_where_the_page_says_so() -> None:
    sentence = "A ferry was often built by the Wend Yard near the old town."
    good = {"relation": "{subject} was built by {object}", "object": "Wend Yard", "sentence": sentence}
    rows: list[Any] = [
        good,
        {**good, "sentence": "A ferry flies."},
        {**good, "object": "Moon"},
        {**good, "relation": "built by"},
        {**good, "relation": "{subject} {object} {0.__class__}"},
        {"relation": 3},
        "noise",
    ]
    triples = await ModelExtractor(Scripted(f"Here: {json.dumps(rows)}")).extract(FERRY)
    assert [(one.subject, one.relation, one.object) for one in triples] == [
        ("Ferry", "{subject} was built by {object}", "Wend Yard")
    ]
    assert await ModelExtractor(Scripted("no list [")).extract(FERRY) == []
