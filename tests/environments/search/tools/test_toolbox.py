"""Tools: what they show, and how a wrong call is told to the model."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.search.corpus.page import Link, Page
from environments.search.index.engine import Hit
from environments.search.index.local import LocalIndex
from environments.search.tools.reading import parts
from environments.search.tools.toolbox import Extent, Toolbox
from services.contracts.cause import Cause
from services.kit.failure import Unavailable

FERRY = Page(
    "ferry.html",
    "Ferry",
    "Ferry\n\n" + "A ferry crosses the Wend. " * 22 + "\n\nThe Yard at Elm built it in 1811.",
    (Link("Yard", "yard.html"), Link("Elsewhere", "x.html")),
)
YARD = Page("yard.html", "Yard", "Yard\n\nShips are built here.")


class Echo:
    async def run(self, code: str) -> str:
        return code.upper()


@pytest.fixture
def tools() -> Toolbox:
    index = LocalIndex([FERRY, YARD])
    return Toolbox(index, index, Echo(), Extent(hits=2, page_chars=600))


def arguments(**values: object) -> str:
    return json.dumps(values)


async def test_search_open_find_python(tools: Toolbox) -> None:
    found = await tools.call("search", arguments(query="where are ships built"))
    assert found.startswith("Yard [yard.html]\nShips are built here.\n\nFerry [ferry.html]\n")
    first = await tools.call("open", arguments(page="ferry.html"))
    assert first.startswith("Ferry [ferry.html]\n\nPart 1 of 2.\n\nA ferry crosses")
    assert "Links" not in first
    second = await tools.call("open", arguments(page="ferry.html#2"))
    assert second == (
        "Ferry [ferry.html]\n\nPart 2 of 2.\n\nThe Yard at Elm built it in 1811.\n\nLinks: Yard [yard.html]"
    )
    assert (
        await tools.call("find", arguments(text="yard  AT elm"))
        == "Part 2: The Yard at Elm built it in 1811."
    )
    assert (await tools.call("find", arguments(text="crosses"))).endswith("… and 12 more places.")
    assert await tools.call("find", arguments(text="moon")) == "'moon' does not occur in Ferry [ferry.html]."
    assert await tools.call("python", arguments(code="print(1)")) == "PRINT(1)"
    assert await tools.call("search", arguments(query="zeppelin")) == "No page matches."


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("search", "{", "not JSON"),
        ("search", "[]", 'call it with {"query": "..."}'),
        ("search", '{"q": "x"}', 'call it with {"query": "..."}'),
        ("search", '{"query": "x", "limit": 3}', "exactly one string"),
        ("search", '{"query": 3}', "exactly one string"),
        ("search", '{"query": "  "}', "query is empty"),
        ("browse", '{"query": "x"}', "use one of: find, open, python, search"),
        ("open", '{"page": "yard.htm"}', "did you mean yard.html?"),
        ("open", '{"page": "yard.html#2"}', "yard.html has 1 parts, there is no part 2"),
        ("open", '{"page": "yard.html#0"}', "there is no part 0"),
        ("open", '{"page": "http://127.0.0.1/"}', "there is no page"),
        ("find", '{"text": "x"}', "no page is open"),
    ],
)
async def test_wrong_calls_are_answered(name: str, given: str, told: str, tools: Toolbox) -> None:
    text = await tools.call(name, given)
    assert text.startswith("Error: ")
    assert told in text


async def test_a_page_that_cannot_be_opened_leaves_the_last_one_open(tools: Toolbox) -> None:
    await tools.call("open", arguments(page="yard.html"))
    await tools.call("open", arguments(page="nowhere"))
    assert "Ships" in await tools.call("find", arguments(text="ships"))


async def test_without_a_runner_there_is_no_python_tool() -> None:
    index = LocalIndex([YARD])
    tools = Toolbox(index, index, None, Extent())
    assert tools.names == {"search", "open", "find"}
    assert "there is no tool 'python'" in await tools.call("python", arguments(code="1"))


async def test_output_is_bounded_and_says_so(tools: Toolbox) -> None:
    index = LocalIndex([YARD])
    small = Toolbox(index, index, Echo(), replace(Extent(), output_chars=10))
    assert await small.call("python", arguments(code="x" * 30)) == "X" * 10 + "\n[20 characters left out]"


async def test_a_platform_that_is_down_is_not_told_to_the_model() -> None:
    class Down:
        async def search(self, query: str, limit: int) -> list[Hit]:
            raise Unavailable("down", cause=Cause.ENVIRONMENT)

    with pytest.raises(Unavailable):
        await Toolbox(Down(), LocalIndex([YARD]), None, Extent()).call("search", arguments(query="x"))


@given(st.text(alphabet="ab \n", max_size=500), st.integers(5, 80))
def test_parts_lose_nothing_and_fit(text: str, length: int) -> None:
    pieces = parts(Page("p", "t", text), length)
    assert all(len(piece) <= length for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
