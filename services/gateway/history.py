"""What a rollout attempt has said so far: a tree of recorded model calls, rebuilt from records alone."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from services.contracts.token_record import CallHeader, Ids, LogProbs, TokenRecord
from services.gateway.fingerprint import Fingerprint, beginnings, follow, mark, of_tools
from services.kit.failure import Failure
from services.rendering.message import Message


class BranchReason(StrEnum):
    """Why a call starts a branch instead of following on the branch before it."""

    SIBLING = "sibling"  # another call already follows the same reply
    REWRITTEN = "rewritten"  # the same beginning, but not what was said since
    TOOLS = "tools"  # the same conversation under other tools
    UNRELATED = "unrelated"  # another conversation: a sub-agent
    UNBRIDGED = "unbridged"  # the chat format cannot go on from the recorded reply


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """One recorded model call. `prompt` is only what it added to its parent's sequence."""

    header: CallHeader
    parent: "Call | None"
    prompt: Ids
    sampled: Ids
    logprobs: LogProbs
    reply: Message
    asked: Fingerprint
    answered: Fingerprint

    @property
    def sequence(self) -> Ids:
        """Every id up to and including what this call sampled."""
        return np.concatenate([part for call in self.lineage() for part in (call.prompt, call.sampled)])

    @property
    def input_length(self) -> int:
        return sum(len(call.prompt) + len(call.sampled) for call in self.lineage()) - len(self.sampled)

    def lineage(self) -> list["Call"]:
        """The calls from the first to this one."""
        return list(self._upwards())[::-1]

    def _upwards(self) -> Iterator["Call"]:
        call: Call | None = self
        while call is not None:
            yield call
            call = call.parent


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a call reads: its fingerprint before any message of its own and after them, and the reply."""

    start: Fingerprint
    first: Message
    asked: Fingerprint
    reply: Message


@dataclass(frozen=True)
class Match:
    """`call` has answered the first `depth` messages of a request, its own reply included."""

    call: Call
    depth: int


class History:
    """The calls of one attempt. Messages of a call are what it added, then its reply."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._by_conversation: dict[Fingerprint, list[Call]] = defaultdict(list)
        self._by_request: dict[Fingerprint, Call] = {}
        self._extended: set[str | None] = set()
        self._openings: set[Fingerprint] = set()
        self._toolsets: set[Fingerprint] = set()
        self._engine: str | None = None
        self._next_index = 0
        self._next_branch = 0

    def __len__(self) -> int:
        return len(self._calls)

    def get(self, call_id: str) -> Call | None:
        return self._calls.get(call_id)

    @property
    def engine(self) -> str | None:
        """Where the newest call was sampled."""
        return self._engine

    def add(self, record: TokenRecord, said: Spoken | None = None) -> Call:
        """Learn a record; one that is known already changes nothing. Without `said` it is read from there.

        Raises Failure if the record follows on a call that is not here.
        """
        header, arrays = record.header, record.arrays
        known = self._calls.get(header.call_id)
        if known is not None:
            return known
        parent = None if header.parent is None else self._calls.get(header.parent)
        if parent is None and header.parent is not None:
            raise Failure(f"call {header.call_id} follows on call {header.parent}, which is not recorded")
        said = said or _said(header, parent)
        answered = follow(said.asked, said.reply)
        call = Call(
            header, parent, arrays.prompt, arrays.sampled, arrays.logprobs, said.reply, said.asked, answered
        )
        self._learn(call, said)
        return call

    def _learn(self, call: Call, said: Spoken) -> None:
        header = call.header
        self._calls[header.call_id] = call
        self._by_conversation[call.answered].append(call)
        self._by_request[call.asked] = call
        self._extended.add(header.parent)
        self._engine = header.engine
        self._next_index = max(self._next_index, header.index + 1)
        self._next_branch = max(self._next_branch, header.branch + 1)
        if call.parent is None:
            self._openings.add(_opening(said.first))
            self._toolsets.add(said.start)

    def deepest(self, prints: Sequence[Fingerprint], messages: Sequence[Message]) -> Match | None:
        """The recorded call whose conversation is the longest beginning of a request's messages."""
        for depth in range(len(messages), 0, -1):
            calls = self._by_conversation.get(prints[depth])
            if calls:
                heard = messages[depth - 1]
                return Match(max(calls, key=lambda call: _likeness(call, heard)), depth)
        return None

    def unanswered(self, asked: Fingerprint) -> Call | None:
        """The newest call that was asked exactly this and on whose reply nothing follows yet."""
        call = self._by_request.get(asked)
        return None if call is None or call.header.call_id in self._extended else call

    def reserve(self, parent: Call | None) -> tuple[int, int]:
        """Index and branch of a call that is about to be recorded; no two calls get the same index."""
        key = None if parent is None else parent.header.call_id
        index, self._next_index = self._next_index, self._next_index + 1
        if parent is not None and key not in self._extended:
            branch = parent.header.branch
        else:
            branch, self._next_branch = self._next_branch, self._next_branch + 1
        self._extended.add(key)
        return index, branch

    def why_apart(self, tools: Fingerprint, first: Message) -> BranchReason | None:
        """Why a request that follows on no call stands apart; None for the first call of all."""
        if not self._calls:
            return None
        if _opening(first) not in self._openings:
            return BranchReason.UNRELATED
        return BranchReason.REWRITTEN if tools in self._toolsets else BranchReason.TOOLS


def _said(header: CallHeader, parent: Call | None) -> Spoken:
    """As it was when the call was recorded."""
    *asked, reply = [Message.from_json(message) for message in header.messages]
    start = of_tools(header.tools) if parent is None else parent.answered
    return Spoken(start, asked[0], beginnings(start, map(mark, asked))[-1], reply)


def _opening(first: Message) -> Fingerprint:
    """Of a conversation's first message, whatever its tools."""
    return follow(b"", first)


def _likeness(call: Call, heard: Message) -> tuple[bool, bool, int]:
    """Replies that read the same can differ in ids: tool call ids and reasoning tell which one is meant."""
    named = [tool_call.id for tool_call in call.reply.tool_calls]
    same_ids = named == [tool_call.id for tool_call in heard.tool_calls]
    return same_ids, call.reply.reasoning_content == heard.reasoning_content, call.header.index
