"""When two messages are the same one: agents change replies in ways that do not change what was said.

Equal are: no content and null, reasoning kept or stripped, JSON arguments in another order or layout,
tool calls with other ids or none, blanks around a reply, and any field that no template reads.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate

import xxhash

from services.rendering.message import FunctionCall, Message, Tool

Fingerprint = bytes  # of a conversation
Mark = bytes  # of a single message


def fingerprints(tools: Sequence[Tool], messages: Sequence[Message]) -> tuple[Fingerprint, ...]:
    """One for each beginning of a conversation: element k is of the first k messages under `tools`."""
    return beginnings(of_tools(tools), map(mark, messages))


def beginnings(start: Fingerprint, marks: Iterable[Mark]) -> tuple[Fingerprint, ...]:
    """`start`, then one for each message more."""
    return tuple(accumulate(marks, _then, initial=start))


def follow(before: Fingerprint, message: Message) -> Fingerprint:
    """Of a conversation with one message more."""
    return _then(before, mark(message))


def of_tools(tools: Sequence[Tool]) -> Fingerprint:
    """Of a conversation under `tools` before its first message."""
    return xxhash.xxh3_128_digest(_sorted_json(list(tools)) if tools else b"")


def mark(message: Message) -> Mark:
    """The same for messages that say the same."""
    return xxhash.xxh3_128_digest(_canonical(message))


def _then(before: Fingerprint, marked: Mark) -> Fingerprint:
    return xxhash.xxh3_128_digest(before + marked)


def _canonical(message: Message) -> bytes:
    if message.role != "assistant":
        return _joined(message.role, message.content)
    calls = (part for call in message.tool_calls for part in _canonical_call(call.function))
    return _joined("assistant", _spoken(message.content), *calls)


def _spoken(content: str) -> str:
    """A reply's content without a thinking block that an agent moved back into it."""
    text = content.strip()
    if text.startswith("<think>") and "</think>" in text:
        return text.split("</think>", 1)[1].strip()
    return text


def _canonical_call(call: FunctionCall) -> tuple[str, str]:
    try:
        value = json.loads(call.arguments) if call.arguments.strip() else {}
    except (ValueError, RecursionError):
        return call.name, call.arguments
    return call.name, json.dumps(value, sort_keys=True)


def _joined(*parts: str) -> bytes:
    return b"".join(b"%d:%s" % (len(raw), raw) for raw in map(str.encode, parts))


def _sorted_json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
