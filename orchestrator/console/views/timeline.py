"""When a rollout waited, sampled and ran tools: lanes of spans over one stretch of time."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator.console.words import seconds
from orchestrator.reading import AttemptView, RolloutDetail

WIDTH, LANE = 1000, 22
LANES = ("waits", "model", "tools", "agent and scoring")


@dataclass(frozen=True)
class Span:
    """A piece of time in a lane: `x` and `width` of `WIDTH`, and what it says."""

    lane: int
    x: float
    width: float
    text: str
    turn: int | None = None


@dataclass(frozen=True)
class Timeline:
    spans: tuple[Span, ...]
    seconds: float
    totals: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class _Stretch:
    lane: int
    start: float
    end: float
    text: str
    turn: int | None = None


def timeline(detail: RolloutDetail) -> Timeline:
    """The newest attempt, from when the rollout was opened. Clocks are those of the processes that told."""
    known = [*_waits(detail), *_turns(detail), *_tools(detail)]
    finish = detail.ended_at or time.time()
    stretches = [*known, *_between(known, detail.started_at, finish)]
    origin = min((stretch.start for stretch in stretches), default=detail.opened_at)
    length = max(finish, *(stretch.end for stretch in stretches), origin + 1e-6) - origin
    spans = tuple(_span(stretch, origin, length) for stretch in stretches)
    totals = tuple(
        (name, sum(stretch.end - stretch.start for stretch in stretches if stretch.lane == lane))
        for lane, name in enumerate(LANES)
    )
    return Timeline(spans, length, totals)


def _waits(detail: RolloutDetail) -> Iterable[_Stretch]:
    until = detail.started_at or detail.ended_at or time.time()
    said = "earlier attempts and the queue" if detail.attempt > 1 else "in the queue"
    yield _Stretch(0, detail.opened_at, max(until, detail.opened_at), said)


def _turns(detail: RolloutDetail) -> Iterable[_Stretch]:
    for call in detail.calls:
        if call.started_at:
            said = f"turn {call.index}: {call.sampled_tokens} tokens by {call.engine}, {call.finish_reason}"
            yield _Stretch(1, call.started_at, call.started_at + call.seconds, said, call.index)


def _tools(detail: RolloutDetail) -> Iterable[_Stretch]:
    for span in _told(detail.attempts):
        match span:
            case {
                "tool": str(tool),
                "started_at": int() | float() as start,
                "seconds": int() | float() as took,
            }:
                yield _Stretch(2, start, start + max(took, 0.0), tool[:80])


def _told(attempts: tuple[AttemptView, ...]) -> list[Any]:
    """What an environment says of its tools: it may be anybody's, so it may be anything."""
    told = (attempts[-1].details or {}).get("spans") if attempts else None
    return told if isinstance(told, list) else []


def _between(known: Iterable[_Stretch], start: float | None, finish: float) -> Iterable[_Stretch]:
    """What nobody accounts for: the agent's own time, sandboxes, scoring and the report."""
    reached = start
    if reached is None:
        return
    for stretch in sorted((s for s in known if s.lane > 0), key=lambda s: s.start):
        if stretch.start > reached:
            yield _Stretch(3, reached, stretch.start, "agent, sandbox")
        reached = max(reached, stretch.end)
    if finish > reached:
        yield _Stretch(3, reached, finish, "scoring, report and sealing")


def _span(stretch: _Stretch, origin: float, length: float) -> Span:
    x = (stretch.start - origin) / length * WIDTH
    width = max((stretch.end - stretch.start) / length * WIDTH, 1.0)
    said = f"{stretch.text} · {seconds(stretch.end - stretch.start)}"
    return Span(stretch.lane, round(x, 2), round(width, 2), said, stretch.turn)
