"""Carries out one rollout's tool calls: a wrong call is told to the model, a broken platform is a failure."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from environments.arguments import arguments_of
from environments.message import Tool
from environments.search.corpus.page import Page
from environments.search.index.engine import Library, SearchEngine
from environments.search.tools.python import PythonRunner
from environments.search.tools.reading import found_text, hits_text, page_text
from environments.search.tools.schemas import FIND, OPEN, PYTHON, SEARCH
from services.kit.failure import Refused

_PART = re.compile(r"^(.*)#(\d{1,6})$", re.DOTALL)


@dataclass(frozen=True)
class Extent:
    """How much a tool shows: hits of a search, characters of one part of a page and of any output."""

    hits: int = 5
    page_chars: int = 6_000
    output_chars: int = 12_000


class Toolbox:
    """The tools of one rollout, which remember the page opened last; `python` is offered if it can run."""

    def __init__(
        self, engine: SearchEngine, library: Library, python: PythonRunner | None, extent: Extent
    ) -> None:
        self._engine = engine
        self._library = library
        self._python = python
        self._extent = extent
        self._page: Page | None = None

    @property
    def schemas(self) -> list[Tool]:
        return [SEARCH, OPEN, FIND, *([PYTHON] if self._python else [])]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(tool["function"]["name"] for tool in self.schemas)

    async def call(self, name: str, arguments: str) -> str:
        """The text of the tool message. Errors: Unavailable when a search engine or sandbox is down."""
        try:
            text = await self._carry_out(name, arguments)
        except Refused as refused:
            text = _told(refused)
        return _bounded(text, self._extent.output_chars)

    async def _carry_out(self, name: str, arguments: str) -> str:
        for tool in self.schemas:
            if tool["function"]["name"] == name:
                (argument,) = tool["function"]["parameters"]["required"]
                return await self._actions[name](_value(name, argument, arguments))
        raise Refused(
            f"there is no tool {name[:80]!r}", remedy=f"use one of: {', '.join(sorted(self.names))}"
        )

    @property
    def _actions(self) -> Mapping[str, Callable[[str], Awaitable[str]]]:
        return {"search": self._search, "open": self._open, "find": self._find, "python": self._run}

    async def _search(self, query: str) -> str:
        return hits_text(await self._engine.search(query, self._extent.hits))

    async def _open(self, address: str) -> str:
        split = _PART.match(address)
        name, part = (split[1], int(split[2])) if split else (address, 1)
        page = await self._library.open(name)
        try:
            text = page_text(page, part, self._extent.page_chars)
        except IndexError as beyond:
            raise Refused(f"{page.id} has {beyond} parts, there is no part {part}") from None
        self._page = page
        return text

    async def _find(self, text: str) -> str:
        if self._page is None:
            raise Refused("no page is open", remedy="open a page first")
        return found_text(self._page, text, self._extent.page_chars)

    async def _run(self, code: str) -> str:
        assert self._python is not None
        return await self._python.run(code) or "[no output]"


def _value(tool: str, argument: str, arguments: str) -> str:
    """The one string that every tool takes."""
    example = json.dumps({argument: "..."})
    try:
        given = arguments_of(arguments)
    except ValueError as error:
        raise Refused(str(error), remedy=f"call it with {example}") from error
    if set(given) != {argument} or not isinstance(given[argument], str):
        raise Refused(f"{tool} takes exactly one string", remedy=f"call it with {example}")
    if not given[argument].strip():
        raise Refused(f"{argument} is empty", remedy=f"{tool} takes {example}")
    return str(given[argument]).strip()


def _told(refused: Refused) -> str:
    return f"Error: {refused.detail}" + (f"; {refused.remedy}" if refused.remedy else "") + "."


def _bounded(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return f"{text[:length]}\n[{len(text) - length} characters left out]"
