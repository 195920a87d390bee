"""One message list for every agent: whatever an agent's framework sent, the list has one shape.

A call's header holds the messages that it added to its parent's: what is new in the prompt, then the
reply. Their concatenation in the order of calls is the whole rollout, each message once; `branch` says
to which sequence a message belongs and `call` which model call brought it.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from services.contracts.token_record import CallHeader
from services.contracts.words import Word

Role = Literal["system", "user", "assistant", "tool"]
Tool = dict[str, Any]

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


class ToolCall(Word):
    """A tool that the model called; `arguments` as it wrote them."""

    id: str = ""
    name: str
    arguments: str


class Message(Word):
    """One message of a rollout. `call` is the index of the model call that brought it."""

    role: Role
    content: str = ""
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    call: int
    branch: int = 0
    sampled: bool = False


def normalise(headers: Sequence[CallHeader]) -> tuple[Message, ...]:
    """The messages of all calls, in order."""
    return tuple(message for header in headers for message in _of_call(header))


def _of_call(header: CallHeader) -> Iterable[Message]:
    last = len(header.messages) - 1
    for position, raw in enumerate(header.messages):
        role = _ROLES.get(str(raw.get("role")), "user")
        yield Message(
            role=role,
            content=_text(raw.get("content")),
            reasoning=raw.get("reasoning_content") or raw.get("reasoning"),
            tool_calls=tuple(_tool_call(call) for call in raw.get("tool_calls") or ()),
            tool_call_id=raw.get("tool_call_id"),
            call=header.index,
            branch=header.branch,
            sampled=position == last and role == "assistant",
        )


def _text(content: Any) -> str:
    """The text of a message: a string, nothing, or a list of parts."""
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    return json.dumps(content, ensure_ascii=False)


def _part(part: Any) -> str:
    if isinstance(part, dict):
        text = part.get("text")
        return text if isinstance(text, str) else f"[{part.get('type', 'part')}]"
    return str(part)


def _tool_call(raw: dict[str, Any]) -> ToolCall:
    function = raw.get("function") or raw
    arguments = function.get("arguments", "")
    return ToolCall(
        id=str(raw.get("id") or ""),
        name=str(function.get("name", "")),
        arguments=arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False),
    )
