"""What is live now: open and sealed groups, their rollouts, who waits and who runs. Rebuilt at start."""

import heapq
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from sqlalchemy import Connection, select

from orchestrator.changes import Change, GroupHeld, GroupMoved, GroupOpened, OpenedRollout, RolloutMoved
from orchestrator.lifecycle import ENDED_GROUP, ENDED_ROLLOUT, GroupState, RolloutState
from orchestrator.store.tables import evaluations, groups, rollouts
from services.contracts.environment import Sampling, TaskRef
from services.contracts.words import Purpose


@dataclass
class LiveGroup:
    """A group that has not ended."""

    group_id: str
    environment: str
    task: TaskRef
    purpose: Purpose
    sampling: Sampling | None
    state: GroupState
    rollouts: tuple[tuple[str, int], ...] = ()
    resting: bool = False
    deadline: float = float("inf")  # monotonic seconds


@dataclass
class LiveRollout:
    """A rollout that has not ended. Times are monotonic seconds; those of the past never expire it."""

    rollout_id: str
    group: LiveGroup
    order: int
    attempt: int
    state: RolloutState
    lease_until: float = float("inf")
    deadline: float = float("inf")

    @property
    def environment(self) -> str:
        return self.group.environment


class Board:
    """The live state. It changes through `apply`, and through `claim` and `release` while sending."""

    def __init__(self) -> None:
        self.groups: dict[str, LiveGroup] = {}
        self.rollouts: dict[str, LiveRollout] = {}
        self._order = count()
        self._waiting: dict[str, list[tuple[bool, int, str, int]]] = defaultdict(list)
        self._in_flight: dict[str, set[str]] = defaultdict(set)
        self._queued: Counter[str] = Counter()

    def apply(self, change: Change) -> None:
        match change:
            case GroupOpened():
                self._open(change)
            case RolloutMoved():
                self._move(change)
            case GroupHeld():
                self._hold(change)
            case GroupMoved() if change.state in ENDED_GROUP:
                self.groups.pop(change.group_id, None)
            case GroupMoved():
                self.groups[change.group_id].state = change.state

    def in_flight(self, environment: str) -> int:
        """Rollouts that the environment has, or is being sent."""
        return len(self._in_flight[environment])

    def queued(self, environment: str) -> int:
        """Rollouts that wait to be sent."""
        return self._queued[environment]

    def occupied(self) -> int:
        """Rollouts of all environments that wait, are sent or run."""
        return sum(len(running) for running in self._in_flight.values()) + self._queued.total()

    def running(self) -> Iterator[LiveRollout]:
        """Rollouts that an environment has accepted."""
        return (live for live in self.rollouts.values() if live.state == RolloutState.RUNNING)

    def claim(self, environment: str) -> LiveRollout | None:
        """Take the next rollout to send: evaluations first, then the oldest. It is in flight from now."""
        waiting, resting = self._waiting[environment], []
        try:
            while waiting:
                entry = heapq.heappop(waiting)
                live = self._claimable(environment, *entry[2:])
                if live is None:
                    continue
                if live.group.resting:
                    resting.append(entry)
                    continue
                self._in_flight[environment].add(live.rollout_id)
                self._queued[environment] -= 1
                return live
            return None
        finally:
            for entry in resting:
                heapq.heappush(waiting, entry)

    def _claimable(self, environment: str, rollout_id: str, attempt: int) -> LiveRollout | None:
        """A rollout that still waits at this attempt."""
        live = self.rollouts.get(rollout_id)
        unclaimed = rollout_id not in self._in_flight[environment]
        waits = live and (live.attempt, live.state) == (attempt, RolloutState.QUEUED)
        return live if waits and unclaimed else None

    def release(self, live: LiveRollout, attempt: int) -> None:
        """Sending attempt `attempt` did not work: it waits again, unless it has moved on meanwhile."""
        current = self.rollouts.get(live.rollout_id)
        if current is live and (live.attempt, live.state) == (attempt, RolloutState.QUEUED):
            self._in_flight[live.environment].discard(live.rollout_id)
            self._wait(live)

    def waiting_groups(self, ignoring: frozenset[str]) -> int:
        """Training groups open or sealed; open ones of `ignoring` environments do not count."""
        return sum(
            group.purpose == "train"
            and (group.state == GroupState.SEALED or group.environment not in ignoring)
            for group in self.groups.values()
        )

    def open_groups(self) -> Counter[str]:
        """Open training groups by environment."""
        return Counter(
            group.environment
            for group in self.groups.values()
            if group.purpose == "train" and group.state == GroupState.OPEN
        )

    def sealed_groups(self) -> int:
        """Groups that are sealed and not yet judged by the learner."""
        return sum(group.state == GroupState.SEALED for group in self.groups.values())

    def occupants(self) -> Counter[str]:
        """Rollouts that wait, are sent or run, by environment."""
        return Counter({name: len(ids) for name, ids in self._in_flight.items()}) + self._queued

    def _open(self, opened: GroupOpened) -> None:
        group = LiveGroup(
            group_id=opened.group_id,
            environment=opened.environment,
            task=opened.task,
            purpose=opened.purpose,
            sampling=opened.sampling,
            state=opened.state,
        )
        self.groups[group.group_id] = group
        for slot in opened.rollouts:
            live = LiveRollout(slot.rollout_id, group, next(self._order), slot.attempt, slot.state)
            self.rollouts[slot.rollout_id] = live
            if live.state == RolloutState.QUEUED:
                self._wait(live)
            elif live.state == RolloutState.RUNNING:
                self._in_flight[live.environment].add(live.rollout_id)

    def _hold(self, held: GroupHeld) -> None:
        group = self.groups.get(held.group_id)
        if group is not None:
            group.resting = held.state == "paused"
            group.deadline = float("inf") if held.deadline_s is None else time.monotonic() + held.deadline_s

    def _move(self, moved: RolloutMoved) -> None:
        live = self.rollouts.get(moved.rollout_id)
        if live is None:
            return
        self._leave(live)
        live.state, live.attempt = moved.state, moved.attempt
        if moved.state == RolloutState.QUEUED:
            self._wait(live)
        elif moved.state == RolloutState.RUNNING:
            self._in_flight[live.environment].add(live.rollout_id)
        elif moved.state in ENDED_ROLLOUT:
            del self.rollouts[moved.rollout_id]
            if moved.state == RolloutState.SEALED:
                live.group.rollouts += ((moved.rollout_id, moved.attempt),)

    def _leave(self, live: LiveRollout) -> None:
        running = self._in_flight[live.environment]
        if live.rollout_id in running:
            running.discard(live.rollout_id)
        elif live.state == RolloutState.QUEUED:
            self._queued[live.environment] -= 1

    def _wait(self, live: LiveRollout) -> None:
        entry = (live.group.purpose != "evaluation", live.order, live.rollout_id, live.attempt)
        heapq.heappush(self._waiting[live.environment], entry)
        self._queued[live.environment] += 1


def live_groups(connection: Connection) -> list[GroupOpened]:
    """Every group that has not ended, as the record has it, oldest first."""
    slots: dict[str, list[OpenedRollout]] = defaultdict(list)
    for row in connection.execute(
        select(rollouts).where(rollouts.c.state.not_in(ENDED_ROLLOUT)).order_by(rollouts.c.seq)
    ):
        slot = OpenedRollout(row.rollout_id, row.group_id, row.slot, row.attempt, RolloutState(row.state))
        slots[row.group_id].append(slot)
    rows = connection.execute(
        select(groups, evaluations.c.sampling)
        .join_from(groups, evaluations, groups.c.evaluation_id == evaluations.c.evaluation_id, isouter=True)
        .where(groups.c.state.not_in(ENDED_GROUP))
        .order_by(groups.c.seq)
    )
    return [
        GroupOpened(
            group_id=row.group_id,
            environment=row.environment,
            task=TaskRef(split=row.split, index=row.task_index),
            purpose=row.purpose,
            sampling=None if row.sampling is None else Sampling.model_validate(row.sampling),
            rollouts=tuple(slots[row.group_id]),
            state=GroupState(row.state),
        )
        for row in rows
    ]
