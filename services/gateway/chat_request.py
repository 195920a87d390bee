"""The door: the bytes of a chat completion request become a frozen `Chat`, or a refusal that says why."""

from functools import lru_cache
from typing import Any

import msgspec

from services.gateway.failures import InvalidRequest
from services.gateway.fingerprint import Fingerprint, beginnings, of_tools
from services.gateway.heard import Heard
from services.rendering.message import FunctionCall, Message, Role, Tool, ToolCall

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


class Chat(msgspec.Struct, frozen=True):
    """What an agent asks for. Sampling wishes are left out: the capability decides them.

    `prints` has a fingerprint of each beginning of the conversation, from no message on to all.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    prints: tuple[Fingerprint, ...]
    parse_tool_calls: bool
    stop: tuple[str, ...]
    max_new_tokens: int | None
    stream: bool
    include_usage: bool
    logprobs: bool


class _Part(msgspec.Struct):
    type: str
    text: str | None = None


class _Function(msgspec.Struct):
    name: str
    arguments: str | dict[str, Any] | None = None


class _ToolCall(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Format(msgspec.Struct):
    type: str


class _Request(msgspec.Struct):
    """OpenAI's request; fields that are not listed are ignored, as sampling wishes are."""

    messages: list[msgspec.Raw]
    tools: msgspec.Raw = msgspec.Raw(b"null")
    tool_choice: str | dict[str, Any] | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None
    response_format: _Format | None = None
    functions: list[Any] | None = None


_requests = msgspec.json.Decoder(_Request)
_messages = msgspec.json.Decoder(_Message)
_tools = msgspec.json.Decoder(list[Tool] | None)


def parse_chat(body: bytes, heard: Heard) -> Chat:
    """Reads what `heard` does not have yet. Raises InvalidRequest (400) with the field that does not fit."""
    try:
        request = _requests.decode(body)
    except msgspec.DecodeError as error:
        raise _invalid(error) from None
    _refuse_unsupported(request)
    tools, start = _toolset(bytes(request.tools))
    said = heard.listen(request.messages, _read_message)
    return Chat(
        messages=tuple(one.message for one in said),
        tools=tools,
        prints=beginnings(start, (one.mark for one in said)),
        parse_tool_calls=bool(tools) and request.tool_choice != "none",
        stop=_stop(request.stop),
        max_new_tokens=request.max_completion_tokens or request.max_tokens,
        stream=bool(request.stream),
        include_usage=bool(request.stream_options and request.stream_options.include_usage),
        logprobs=bool(request.logprobs),
    )


@lru_cache(256)  # the rollouts of an environment have the same tools
def _toolset(raw: bytes) -> tuple[tuple[Tool, ...], Fingerprint]:
    try:
        tools = tuple(_tools.decode(raw) or ())
    except msgspec.DecodeError as error:
        raise _invalid(error, "tools") from None
    return tools, of_tools(tools)


def _read_message(raw: msgspec.Raw, position: int) -> Message:
    try:
        return _message(_messages.decode(raw), position)
    except msgspec.DecodeError as error:
        raise _invalid(error, f"messages[{position}]") from None


def _invalid(error: msgspec.DecodeError, within: str = "") -> InvalidRequest:
    """`within` is the part of the body in which the error tells its location."""
    what, found, field = str(error).partition(" - at `$")
    field = f"{within}{field.rstrip('`')}".lstrip(".") if found else within
    detail = f"{what} - at `{field}`" if field else what
    return InvalidRequest(detail, field=field or None, remedy="send an OpenAI chat completion request")


def _refuse_unsupported(request: _Request) -> None:
    limits = (request.max_tokens, request.max_completion_tokens)
    checks: tuple[tuple[bool, str, object, str], ...] = (
        (not request.messages, "messages", [], "send at least one message"),
        (request.n not in (None, 1), "n", request.n, "ask once for each reply"),
        (any(m is not None and m < 1 for m in limits), "max_tokens", limits, "ask for at least one token"),
        (bool(request.top_logprobs), "top_logprobs", request.top_logprobs, "ask for `logprobs` alone"),
        (bool(request.functions), "functions", "…", "use `tools`"),
        (
            request.tool_choice not in (None, "auto", "none"),
            "tool_choice",
            request.tool_choice,
            "use 'auto' or 'none': forcing a call would bend what the model samples",
        ),
        (
            request.response_format is not None and request.response_format.type != "text",
            "response_format",
            request.response_format and request.response_format.type,
            "ask for text: constrained decoding would bend what the model samples",
        ),
    )
    for refused, field, value, remedy in checks:
        if refused:
            raise InvalidRequest(
                f"{field}={value!r} is not supported: {remedy}", field=field, value=value, remedy=remedy
            )


def _stop(stop: str | list[str] | None) -> tuple[str, ...]:
    wanted = [stop] if isinstance(stop, str) else stop or []
    return tuple(text for text in wanted if text)


def _message(message: _Message, position: int) -> Message:
    role = _ROLES.get(message.role)
    if role is None:
        field = f"messages[{position}].role"
        known = ", ".join(_ROLES)
        raise InvalidRequest(
            f"{field}={message.role!r} is not one of {known}", field=field, value=message.role
        )
    return Message(
        role=role,
        content=_content(message.content, position),
        reasoning_content=message.reasoning_content or message.reasoning or None,
        tool_calls=tuple(_tool_call(call) for call in message.tool_calls or ()),
        tool_call_id=message.tool_call_id,
    )


def _content(content: str | list[_Part] | None, position: int) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    for i, part in enumerate(content):
        if part.type != "text" or part.text is None:
            field = f"messages[{position}].content[{i}]"
            raise InvalidRequest(f"{field} is of type {part.type!r}; this model reads text only", field=field)
    return "".join(part.text or "" for part in content)


def _tool_call(call: _ToolCall) -> ToolCall:
    arguments = call.function.arguments
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments or {}).decode()
    return ToolCall(call.id or "", FunctionCall(call.function.name, text))
