"""One message of a conversation, in OpenAI's shape and frozen."""

from typing import Any, Literal, Self

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
Tool = dict[str, Any]  # a JSON schema inside an OpenAI tool; rendered as it is, never looked into


class FunctionCall(msgspec.Struct, frozen=True):
    """Which function, with its arguments as JSON text exactly as they were written."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True):
    """One call of a tool by the model."""

    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one party said. `content` is empty, not null, where there is none."""

    role: Role
    content: str
    reasoning_content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data: what records keep and what renderers read."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Self:
        """Reads what `to_json` wrote. Raises msgspec.ValidationError if it is something else."""
        return msgspec.convert(plain, cls)
