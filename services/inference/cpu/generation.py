"""One request inside the engine: its ids, what it has sampled, and when it ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from services.inference.cpu.sampling import Row, SamplingRule

Decode = Callable[[Sequence[int]], str]


class FinishKind(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    ABORT = "abort"


@dataclass(frozen=True)
class Finish:
    """Why a sequence ended; `matched` is the id or string that stopped it."""

    kind: FinishKind
    matched: int | str | None = None
    queued: bool = False  # aborted while it was waiting


@dataclass(frozen=True)
class Span:
    """Output tokens from `start` on came from weights `version`, until the next span."""

    version: str
    start: int


@dataclass(frozen=True)
class StopRule:
    """What ends a sequence. `decode` turns ids to text and is there if `strings` are."""

    max_new_tokens: int
    token_ids: frozenset[int] = frozenset()
    strings: tuple[str, ...] = ()
    min_new_tokens: int = 0
    decode: Decode | None = None

    def finish(self, output: Sequence[int]) -> Finish | None:
        """The finish that the newest token brings, if any."""
        if len(output) >= self.min_new_tokens:
            if output and output[-1] in self.token_ids:
                return Finish(FinishKind.STOP, output[-1])
            if output and (matched := self._string(output)) is not None:
                return Finish(FinishKind.STOP, matched)
        return Finish(FinishKind.LENGTH) if len(output) >= self.max_new_tokens else None

    def _string(self, output: Sequence[int]) -> str | None:
        if not self.strings or self.decode is None:
            return None
        # A token is at least one byte, so a stop of n bytes that ends in the newest token begins in
        # the last n; one more may hold the rest of a character.
        reach = max(len(text.encode()) for text in self.strings) + 1
        tail = self.decode(output[-reach:])
        return next((text for text in self.strings if text in tail), None)


@dataclass(eq=False)
class Generation:
    """State of one request; only the engine's thread changes it."""

    rid: str
    prompt: list[int]
    rule: SamplingRule
    stop: StopRule
    extra_key: str | None = None
    score_from: int | None = None  # log-probs of prompt tokens from this position on
    stream: bool = False
    ids: list[int] = field(default_factory=list)
    output: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    prompt_logprobs: list[float | None] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    computed: int = 0  # tokens whose keys and values are in the slot
    cached_tokens: int = 0
    retractions: int = 0
    finish: Finish | None = None

    def __post_init__(self) -> None:
        self.ids = list(self.prompt)

    @property
    def reserved(self) -> int:
        """Tokens that it may come to hold."""
        return len(self.prompt) + self.stop.max_new_tokens

    @property
    def row(self) -> Row:
        early = len(self.output) < self.stop.min_new_tokens
        return Row(self.rule, self.output, self.stop.token_ids if early else frozenset())

    def append(self, token: int, logprob: float, version: str) -> None:
        """Take a sampled token, unless none was asked for, and see whether it is the last."""
        if self.stop.max_new_tokens:
            self._take(token, logprob, version)
        self.finish = self.stop.finish(self.output)

    def _take(self, token: int, logprob: float, version: str) -> None:
        if not self.spans or self.spans[-1].version != version:
            self.spans.append(Span(version, len(self.output)))
        self.ids.append(token)
        self.logprobs.append(logprob)
        # Last: the event loop reads while this thread writes, and takes the output's length as complete.
        self.output.append(token)
