"""Whoever watches rollouts move: each has a queue, and one that reads too slowly is told what it missed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from orchestrator.changes import Change, GroupOpened, RolloutMoved
from orchestrator.lifecycle import RolloutState
from services.contracts.cause import Cause
from services.contracts.words import Purpose, Word

_MOST_WAITING = 1_000


class RolloutEvent(Word):
    """A rollout is in another state, or at another attempt. `missed`: events before it that were lost."""

    rollout_id: str
    group_id: str
    environment: str
    purpose: Purpose
    attempt: int
    state: RolloutState
    cause: Cause | None = None
    retried: Cause | None = None
    reward: float | None = None
    missed: int = 0


@dataclass
class Watcher:
    """One reader; `environment`: of this one alone."""

    environment: str | None
    waiting: asyncio.Queue[RolloutEvent] = field(default_factory=lambda: asyncio.Queue(_MOST_WAITING))
    missed: int = 0

    async def next(self) -> RolloutEvent:
        event = await self.waiting.get()
        missed, self.missed = self.missed, 0
        return event.model_copy(update={"missed": missed}) if missed else event

    def offer(self, event: RolloutEvent) -> None:
        if self.environment not in (None, event.environment):
            return
        if self.waiting.full():
            self.waiting.get_nowait()
            self.missed += 1
        self.waiting.put_nowait(event)


class Watchers:
    """All who watch now."""

    def __init__(self) -> None:
        self._by_id: dict[int, Watcher] = {}

    @contextmanager
    def watching(self, environment: str | None) -> Iterator[Watcher]:
        watcher = Watcher(environment)
        self._by_id[id(watcher)] = watcher
        try:
            yield watcher
        finally:
            del self._by_id[id(watcher)]

    def notice(self, change: Change) -> None:
        if self._by_id:
            for event in _events(change):
                for watcher in self._by_id.values():
                    watcher.offer(event)


def _events(change: Change) -> Iterator[RolloutEvent]:
    if isinstance(change, RolloutMoved):
        yield RolloutEvent(**vars(change))
    elif isinstance(change, GroupOpened):
        for opened in change.rollouts:
            yield RolloutEvent(
                rollout_id=opened.rollout_id,
                group_id=opened.group_id,
                environment=change.environment,
                purpose=change.purpose,
                attempt=opened.attempt,
                state=opened.state,
            )
