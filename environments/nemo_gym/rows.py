"""Rows of NeMo Gym: a request of the Responses API, with whatever else the server's `/verify` reads."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environments.message import Message, Tool
from services.kit.failure import Refused

_REQUEST = "responses_create_params"
_ROLES = {"user": "user", "system": "system", "developer": "system", "assistant": "assistant"}
_TEXTS = frozenset({"input_text", "output_text", "text"})


@dataclass(frozen=True)
class Row:
    """One task. `body`: the row as it is, for the server; `messages`, `tools`: the same for a chat model."""

    body: Mapping[str, Any]
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]

    @classmethod
    def of(cls, body: Any) -> "Row":
        """Errors: ValueError that names what is not supported."""
        if not isinstance(body, dict) or not isinstance(body.get(_REQUEST), dict):
            raise ValueError(f"it has no object '{_REQUEST}'")
        request = body[_REQUEST]
        tools = tuple(_tool(tool) for tool in request.get("tools") or ())
        return cls(body, tuple(_messages(request)), tools)


def read_rows(path: Path) -> list[Row]:
    """Errors: Refused that names file, line and what is wrong with it."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error}", remedy="name a JSONL file of rows") from None
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise Refused(f"{path} has no rows", remedy="give it one JSON object a line")
    return rows


def _row(path: Path, number: int, line: str) -> Row:
    try:
        return Row.of(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"{path}, line {number}: {error}", remedy="mend the row or leave it out") from error


def _messages(request: Mapping[str, Any]) -> Iterator[Message]:
    if request.get("instructions"):
        yield {"role": "system", "content": str(request["instructions"])}
    given = request.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not given:
        raise ValueError(f"'{_REQUEST}.input' is empty")
    for item in given:
        yield _message(item)


def _message(item: Mapping[str, Any]) -> Message:
    kind = item.get("type", "message")
    if kind != "message" or item.get("role") not in _ROLES:
        raise ValueError(f"an input of type '{kind}' and role '{item.get('role')}' is not supported")
    return {"role": _ROLES[item["role"]], "content": _text(item.get("content", ""))}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    other = {part.get("type") for part in content} - _TEXTS
    if other:
        raise ValueError(f"content of type {', '.join(map(repr, sorted(map(str, other))))} is not supported")
    return "".join(str(part["text"]) for part in content)


def _tool(tool: Mapping[str, Any]) -> Tool:
    if tool.get("type") != "function":
        raise ValueError(f"a tool of type '{tool.get('type')}' is not supported")
    function = {
        "name": str(tool["name"]),
        "description": str(tool.get("description") or ""),
        "parameters": tool.get("parameters") or {"type": "object", "properties": {}},
    }
    return {"type": "function", "function": function}
