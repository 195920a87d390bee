"""Tool arguments as a policy may write them: read, or told to it, in every family, and never a crash."""

import json
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.agent import Tools
from environments.arguments import arguments_of
from environments.bash import BashTools
from environments.examples.letters.environment import Spelling
from environments.nemo_gym.session import GymSession
from environments.openenv.actions import StepActions
from environments.openenv.episode import Episode
from environments.openenv.session import Session
from environments.search.corpus.page import Page
from environments.search.index.local import LocalIndex
from environments.search.tools.toolbox import Extent, Toolbox
from environments.slides.tools.toolbox import Toolbox as SlidesToolbox

_DEEP = "[" * 65 + "]" * 65
WRONG = {
    "no_json": "{",
    "no_object": "[1]",
    "half_a_character": '{"%s": "\\ud800"}',
    "half_a_character_as_it_is": '{"%s": "\ud800"}',
    "half_a_character_in_a_name": '{"\\ud800": "x"}',
    "open_brackets": "[" * 1_500,
    "open_braces": '{"a":' * 1_500,
    "many_levels": f'{{"%s": {_DEEP}}}',
    "no_number": '{"%s": NaN}',
    "endless": '{"%s": 1e999}',
    "digits": '{"%s": 1' + "0" * 5_000 + "}",
}


def gym() -> GymSession:
    tool = {"type": "function", "function": {"name": "act", "description": "", "parameters": {}}}
    return GymSession(httpx.AsyncClient(base_url="http://127.0.0.1:9"), [tool], 1.0, 1.0)


def episode() -> Episode:
    return Episode(Session(None, 1.0), StepActions({}))  # type: ignore[arg-type]


def search() -> Toolbox:
    index = LocalIndex([Page("elm", "Elm", "Elm")])
    return Toolbox(index, index, None, Extent())


FAMILIES: dict[str, tuple[Tools, str, str]] = {
    "bash": (BashTools(None, 1.0), "bash", "command"),  # type: ignore[arg-type]
    "search": (search(), "search", "query"),
    "slides": (SlidesToolbox(None, 9_000), "write_page", "html"),  # type: ignore[arg-type]
    "openenv": (episode(), "step", "number"),
    "nemo_gym": (gym(), "act", "count"),
    "letters": (Spelling(), "spell", "word"),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("wrong", WRONG)
async def test_what_cannot_be_read_or_sent_is_told_to_the_model(family: str, wrong: str) -> None:
    tools, name, argument = FAMILIES[family]
    text = await tools.call(name, WRONG[wrong].replace("%s", argument))
    assert text.lower().startswith("error: the arguments ")
    assert text.encode()


@pytest.mark.parametrize("family", FAMILIES)
async def test_an_invented_tool_is_told_to_the_model(family: str) -> None:
    tools, _, argument = FAMILIES[family]
    text = await tools.call("half \ud800 a name", json.dumps({argument: "1"}))
    assert "there is" in text
    assert "tool" in text
    assert text.encode()


def test_no_arguments_are_none() -> None:
    assert arguments_of("") == {}


_PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    _PLAIN | st.text(), lambda some: st.lists(some) | st.dictionaries(st.text(), some), max_leaves=6
)


@given(st.dictionaries(st.text(), _JSON))
def test_everything_else_is_read_as_it_is(value: dict[str, object]) -> None:
    assert arguments_of(json.dumps(value)) == value


@given(st.text(alphabet='[]{}":,\\ud80e+-1 NaN\ud800'))
def test_nothing_else_is_raised(text: str) -> None:
    given: dict[str, object] = {}
    with suppress(ValueError):
        given = arguments_of(text)
    assert httpx.Request("POST", "http://x/", json=given).content
