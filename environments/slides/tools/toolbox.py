"""Carries out one rollout's tool calls: a wrong call is told to the model, a broken browser is a failure."""

import json
from collections.abc import Awaitable, Callable, Mapping

from environments.arguments import arguments_of
from environments.message import Tool
from environments.slides.grading import Studio
from environments.slides.pictures import PICTURES
from environments.slides.tools.reading import measurements_text, render_text
from environments.slides.tools.schemas import SCHEMAS
from services.kit.failure import Refused

_MOST_PAGES = 12


class Toolbox:
    """The tools of one rollout; `pages` is what was written, by number."""

    def __init__(self, studio: Studio, html_bytes: int) -> None:
        self._studio = studio
        self._html_bytes = html_bytes
        self.pages: dict[int, str] = {}

    @property
    def schemas(self) -> list[Tool]:
        return list(SCHEMAS)

    async def call(self, name: str, arguments: str) -> str:
        """The text of the tool message. Errors: Failure (sandbox) when the browser breaks."""
        try:
            if name not in self._actions:
                known = ", ".join(self._actions)
                raise Refused(f"there is no tool {name[:80]!r}", remedy=f"use one of: {known}")
            return await self._actions[name](_parsed(name, arguments))
        except Refused as refused:
            return f"Error: {refused.detail}." + (f" {refused.remedy}." if refused.remedy else "")

    @property
    def _actions(self) -> Mapping[str, Callable[[dict[str, str]], Awaitable[str]]]:
        return {
            "write_page": self._write,
            "render": self._render,
            "measurements": self._measurements,
            "list_images": self._images,
        }

    async def _write(self, given: dict[str, str]) -> str:
        number, html = _number(given), given["html"].encode(errors="replace")
        size = len(html)
        if size > self._html_bytes:
            raise Refused(f"the page has {size} bytes", remedy=f"write at most {self._html_bytes}")
        self.pages[number] = html.decode()
        return f"Page {number} is written ({size} bytes)."

    async def _render(self, given: dict[str, str]) -> str:
        html = self._page(given)
        return render_text(html, (await self._studio.render(html)).measurement)

    async def _measurements(self, given: dict[str, str]) -> str:
        return measurements_text((await self._studio.render(self._page(given))).measurement)

    async def _images(self, given: dict[str, str]) -> str:
        return "\n".join(f'<img src="{name}"> is 400×300 px' for name in PICTURES)

    def _page(self, given: dict[str, str]) -> str:
        number = _number(given)
        if number not in self.pages:
            raise Refused(f"page {number} is not written", remedy="call write_page first")
        return self.pages[number]


def _number(given: dict[str, str]) -> int:
    text = given.get("page", "1")
    digits = text.isascii() and text.isdigit() and len(text) <= 2
    if not digits or not 1 <= int(text) <= _MOST_PAGES:
        raise Refused(f"{text[:20]!r} is no page number", remedy=f"give a number from 1 to {_MOST_PAGES}")
    return int(text)


def _parsed(tool: str, arguments: str) -> dict[str, str]:
    """The arguments, all of them strings that the tool knows. Errors: Refused."""
    schema = next(one["function"]["parameters"] for one in SCHEMAS if one["function"]["name"] == tool)
    example = json.dumps(dict.fromkeys(schema["required"], "..."))
    try:
        given = arguments_of(arguments)
    except ValueError as error:
        raise Refused(str(error), remedy=f"{tool} takes {example}") from error
    if not all(isinstance(value, str) for value in given.values()):
        raise Refused(f"{tool} takes strings", remedy=f"call it with {example}")
    unknown, missing = set(given) - set(schema["properties"]), set(schema["required"]) - set(given)
    if unknown or missing:
        raise Refused(f"{tool} got {sorted(given)}", remedy=f"call it with {example}")
    return given
