"""Counts of everything that was admitted and how it ended; they must add up at all times."""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from statistics import fmean

from sqlalchemy import Connection, func, select

from orchestrator.changes import Change, GroupMoved, GroupOpened, RolloutMoved
from orchestrator.lifecycle import GroupState, RolloutState
from orchestrator.store.tables import attempts, groups, rollouts

_WINDOW = 256


@dataclass
class Tally:
    """Counts of one environment. Groups are those of training; rollouts include evaluations."""

    groups: Counter[GroupState] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    admitted_groups: int = 0
    admitted_rollouts: int = 0
    sealed_rollouts: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    no_variance: int = 0
    trained_tokens: int = 0
    rewards: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW))

    @property
    def mean_reward(self) -> float | None:
        """Over the last training rollouts, or None before the first."""
        return fmean(self.rewards) if self.rewards else None


class Ledger:
    """Tallies by environment, and the staleness of what was trained."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.staleness_sum = 0
        self.staleness_max = 0
        self.staleness_groups = 0

    def apply(self, change: Change) -> None:
        tally = self.tallies[change.environment]
        match change:
            case GroupOpened():
                tally.admitted_groups += change.purpose == "train"
                tally.admitted_rollouts += len(change.rollouts)
            case RolloutMoved():
                _count_rollout(tally, change)
            case GroupMoved() if change.purpose == "train":
                tally.groups[change.state] += 1
                tally.no_variance += change.reward_std == 0.0 and change.reason in (None, "no_variance")
                if change.state == GroupState.DROPPED:
                    tally.dropped[change.reason or "failed"] += 1
                elif change.state == GroupState.TRAINED:
                    self._count_staleness(change.staleness or 0)
                    tally.trained_tokens += change.sampled_tokens or 0

    def _count_staleness(self, staleness: int) -> None:
        self.staleness_sum += staleness
        self.staleness_max = max(self.staleness_max, staleness)
        self.staleness_groups += 1

    def load(self, connection: Connection) -> None:
        """Count what the record holds."""
        self._load_groups(connection)
        self._load_rollouts(connection)
        trained = groups.c.state == GroupState.TRAINED
        total, most, number = connection.execute(
            select(
                func.coalesce(func.sum(groups.c.staleness), 0),
                func.coalesce(func.max(groups.c.staleness), 0),
                func.count(),
            ).where(trained)
        ).one()
        self.staleness_sum, self.staleness_max, self.staleness_groups = total, most, number

    def _load_groups(self, connection: Connection) -> None:
        sealed = func.count(groups.c.sealed_at)
        rows = connection.execute(
            select(groups.c.environment, groups.c.state, groups.c.reason, func.count(), sealed)
            .where(groups.c.purpose == "train")
            .group_by(groups.c.environment, groups.c.state, groups.c.reason)
        )
        for environment, state, reason, number, sealed_number in rows:
            tally = self.tallies[environment]
            tally.admitted_groups += number
            tally.groups[GroupState.SEALED] += sealed_number
            if state not in (GroupState.OPEN, GroupState.SEALED):
                tally.groups[GroupState(state)] += number
            if state == GroupState.DROPPED:
                tally.dropped[reason or "failed"] += number

        trained = groups.c.state == GroupState.TRAINED
        tokens = select(groups.c.environment, func.sum(groups.c.sampled_tokens)).where(trained)
        for environment, number in connection.execute(tokens.group_by(groups.c.environment)):
            self.tallies[environment].trained_tokens = number or 0
        alike = (groups.c.reward_std == 0.0, groups.c.purpose == "train")
        recorded = groups.c.sealed_at.is_not(None) | (groups.c.reason == "no_variance")
        unvaried = select(groups.c.environment, func.count()).where(*alike, recorded)
        for environment, number in connection.execute(unvaried.group_by(groups.c.environment)):
            self.tallies[environment].no_variance = number

    def _load_rollouts(self, connection: Connection) -> None:
        rows = connection.execute(
            select(rollouts.c.environment, rollouts.c.state, rollouts.c.cause, func.count()).group_by(
                rollouts.c.environment, rollouts.c.state, rollouts.c.cause
            )
        )
        for environment, state, cause, number in rows:
            tally = self.tallies[environment]
            tally.admitted_rollouts += number
            tally.sealed_rollouts += number if state == RolloutState.SEALED else 0
            if state == RolloutState.FAILED:
                tally.failed[cause] += number
        retried = select(attempts.c.environment, attempts.c.cause, func.count()).where(attempts.c.retried)
        for environment, cause, number in connection.execute(
            retried.group_by(attempts.c.environment, attempts.c.cause)
        ):
            self.tallies[environment].retried[cause] += number
        recent = (
            select(rollouts.c.environment, rollouts.c.reward)
            .where(rollouts.c.state == RolloutState.SEALED, rollouts.c.purpose == "train")
            .order_by(rollouts.c.seq.desc())
            .limit(_WINDOW)
        )
        for environment, reward in connection.execute(recent):
            self.tallies[environment].rewards.appendleft(reward)


def _count_rollout(tally: Tally, moved: RolloutMoved) -> None:
    if moved.retried is not None:
        tally.retried[moved.retried] += 1
    if moved.state == RolloutState.SEALED:
        tally.sealed_rollouts += 1
        if moved.reward is not None and moved.purpose == "train":
            tally.rewards.append(moved.reward)
    elif moved.state == RolloutState.FAILED and moved.cause is not None:
        tally.failed[moved.cause] += 1
