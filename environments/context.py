"""Context management of GLM-5's search agent (report, 4.2.4): message lists in, shorter message lists out.

A round is one assistant message and the tool messages that answer it. A rewrite changes what the model
has seen, so the gateway opens a branch for it; what stands before the first change keeps its tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from environments.message import Message

OMITTED: Final = "Tool result is omitted to save tokens."


class ContextManagement(Protocol):
    """Decides what the model sees next."""

    def fit(self, messages: Sequence[Message], tokens: int) -> list[Message]:
        """The messages to go on with. `tokens` is the size of the context at the last model call."""


@dataclass(frozen=True)
class KeepAll:
    """The whole history, as it is."""

    def fit(self, messages: Sequence[Message], tokens: int) -> list[Message]:
        return list(messages)


@dataclass(frozen=True)
class KeepRecent:
    """Observations of the last `k` rounds; older ones become the report's placeholder, their calls stay."""

    k: int = 5

    def fit(self, messages: Sequence[Message], tokens: int) -> list[Message]:
        calls = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
        if len(calls) <= self.k:
            return list(messages)
        recent = calls[-self.k] if self.k else len(messages)
        return [_folded(message) if place < recent else message for place, message in enumerate(messages)]


@dataclass(frozen=True)
class DiscardAll:
    """Beyond `limit_tokens` the whole history of tool calls goes: the question alone remains."""

    limit_tokens: int = 32_000

    def fit(self, messages: Sequence[Message], tokens: int) -> list[Message]:
        if tokens <= self.limit_tokens:
            return list(messages)
        start = next(
            (place for place, message in enumerate(messages) if message["role"] == "assistant"), len(messages)
        )
        return list(messages[:start])


@dataclass(frozen=True)
class Hierarchical:
    """Keep-recent throughout; if the context still exceeds the limit, discard everything and start afresh."""

    keep: KeepRecent = KeepRecent()
    discard: DiscardAll = DiscardAll()

    def fit(self, messages: Sequence[Message], tokens: int) -> list[Message]:
        return self.keep.fit(self.discard.fit(messages, tokens), tokens)


def _folded(message: Message) -> Message:
    if message["role"] != "tool" or message["content"] == OMITTED:
        return message
    return {**message, "content": OMITTED}
