"""A person in the model's place: reads what the model would read, and writes what it would say."""

import asyncio
import json
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from services.contracts.words import new_id

Json = dict[str, Any]
_COLOURS = {"system": "magenta", "user": "cyan", "assistant": "green", "tool": "yellow"}


class Unclear(ValueError):
    """A line that is no reply; says what would be one."""


class Person:
    """A script of the scripted model, typed in line by line. `gave_up` is set at the end of the input."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown = 0
        self.gave_up = asyncio.Event()

    async def say(self, body: Json) -> Json:
        """Show what is new in a request, and ask until a line is a reply."""
        tools = [tool["function"] for tool in body.get("tools") or ()]
        self._show(body["messages"], tools)
        while True:
            self._console.print("[bold]you[/bold]: ", end="")
            line = await _line()
            if line is None:
                self.gave_up.set()
                await asyncio.Event().wait()  # until the rollout is cancelled
            try:
                return message(str(line).rstrip("\n"), tools)
            except Unclear as error:
                self._console.print(f"[red]{escape(str(error))}[/red]")

    def _show(self, messages: Sequence[Json], tools: Sequence[Json]) -> None:
        if len(messages) <= self._shown:  # the history was rewritten
            self._shown = 0
        if self._shown == 0:
            for tool in tools:
                self._console.print(f"[bold]{_usage(tool)}[/bold]  {escape(tool.get('description', ''))}")
            self._console.print(
                "Write /TOOL and its argument to call one; anything else is a reply in words."
            )
        for shown in messages[self._shown :]:
            if shown["role"] != "assistant":
                colour = _COLOURS.get(shown["role"], "white")
                text = escape(str(shown.get("content") or ""))
                self._console.print(f"[bold {colour}]{shown['role']}[/bold {colour}]: {text}")
        self._shown = len(messages)


def message(line: str, tools: Sequence[Json]) -> Json:
    """The assistant's message that a line stands for. Errors: Unclear."""
    if not line.startswith("/"):
        return {"role": "assistant", "content": line}
    name, _, text = line[1:].partition(" ")
    chosen = [tool for tool in tools if tool["name"] == name]
    if not chosen:
        known = ", ".join(f"/{tool['name']}" for tool in tools) or "none"
        raise Unclear(f"there is no tool {name!r}; there is: {known}")
    function = {"name": name, "arguments": json.dumps(_arguments(chosen[0], text.strip()))}
    call = {"id": f"call_{new_id()}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _arguments(tool: Json, text: str) -> Mapping[str, Any]:
    """A JSON object as it is; else the whole text is the one argument that the tool takes."""
    names = _names(tool)
    if text.startswith("{") or len(names) != 1:
        try:
            given = json.loads(text or "{}")
        except ValueError as error:
            raise Unclear(f"{_usage(tool)}: the arguments are no JSON object: {error}") from None
        if isinstance(given, dict):
            return given
        raise Unclear(f"{_usage(tool)}: the arguments are no JSON object")
    return {names[0]: text}


def _usage(tool: Json) -> str:
    names = _names(tool)
    given = names[0].upper() if len(names) == 1 else json.dumps(dict.fromkeys(names, "…"), ensure_ascii=False)
    return f"/{tool['name']} {escape(given)}"


def _names(tool: Json) -> list[str]:
    return list((tool.get("parameters") or {}).get("properties") or {})


async def _line() -> str | None:
    """The next line of standard input, None at its end; a thread that nobody has to wait for reads it."""
    loop, read = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def settle(line: str) -> None:
        if not read.done():
            read.set_result(line)

    def wait() -> None:
        line = sys.stdin.readline()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, line)

    threading.Thread(target=wait, daemon=True).start()
    return await read or None
