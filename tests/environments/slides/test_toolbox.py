"""Tool calls that go wrong are told to the model with what to do; none needs a browser."""

import json

import pytest

from environments.slides.grading import Studio
from environments.slides.rendering.pool import RenderPool
from environments.slides.tools.toolbox import Toolbox
from tests.environments.slides.conftest import CHROMIUM


@pytest.fixture
def tools() -> Toolbox:
    return Toolbox(Studio(RenderPool(CHROMIUM)), html_bytes=1000)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("paint", "{}", "there is no tool 'paint'"),
        ("write_page", "{", "are not JSON"),
        ("write_page", '{"page": "1"}', 'call it with {"html": "..."}'),
        ("write_page", '{"html": 3}', "takes strings"),
        ("write_page", '{"html": "x", "size": "1"}', "got ['html', 'size']"),
        ("write_page", '{"html": "x", "page": "0"}', "give a number from 1 to 12"),
        ("write_page", '{"html": "x", "page": "99999999999"}', "give a number from 1 to 12"),
        ("write_page", '{"html": "x", "page": "00019999999999"}', "give a number from 1 to 12"),
        ("write_page", json.dumps({"html": "x", "page": "0001" + "9" * 5000}), "give a number from 1 to 12"),
        ("write_page", "[" * 100_000, "nested too deeply"),
        ("write_page", json.dumps({"html": "x" * 1001}), "write at most 1000"),
        ("render", '{"page": "2"}', "page 2 is not written"),
        ("measurements", "", "call write_page first"),
    ],
)
async def test_a_wrong_call_is_told(tools: Toolbox, name: str, arguments: str, told: str) -> None:
    text = await tools.call(name, arguments)
    assert text.startswith("Error: ")
    assert told in text
    assert tools.pages == {}


async def test_pages_are_written_by_number_and_replaced(tools: Toolbox) -> None:
    await tools.call("write_page", '{"html": "one"}')
    await tools.call("write_page", '{"html": "two", "page": "2"}')
    assert await tools.call("write_page", '{"html": "again"}') == "Page 1 is written (5 bytes)."
    assert tools.pages == {1: "again", 2: "two"}


async def test_half_a_character_is_told(tools: Toolbox) -> None:
    assert "half a character" in await tools.call("write_page", '{"html": "half \\ud800"}')
    assert tools.pages == {}


async def test_images_are_listed_as_they_are_used(tools: Toolbox) -> None:
    assert '<img src="images/river.svg"> is 400×300 px' in await tools.call("list_images", "{}")


def test_every_tool_takes_strings_only(tools: Toolbox) -> None:
    for schema in tools.schemas:
        parameters = schema["function"]["parameters"]
        assert parameters["additionalProperties"] is False
        assert all(one["type"] == "string" for one in parameters["properties"].values())
