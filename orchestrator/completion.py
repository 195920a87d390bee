"""What becomes of a group whose fate is sealed: sent to the learner, evaluated, or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, pstdev
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, insert, select

from orchestrator.admission import fresh
from orchestrator.attempt_record import record_attempt
from orchestrator.changes import Change, Changes, GroupMoved, RolloutMoved
from orchestrator.fate import Fate, Grouping, fate, replaced
from orchestrator.hold import release_group
from orchestrator.lifecycle import (
    COMPLETE_ROLLOUT,
    GroupState,
    RolloutState,
    advance,
    advance_group,
    seal_all,
)
from orchestrator.repair import repeats
from orchestrator.store.tables import Record, groups, outbox, rollouts
from services.contracts.cause import Cause
from services.contracts.sealed_group import SealedGroup, SealedRollout

_IN_GROUP = rollouts.c.group_id == bindparam("of")
_SLOTS = select(rollouts.c.state, rollouts.c.oldest_version).where(_IN_GROUP)
_SCORED = select(rollouts).where(_IN_GROUP, rollouts.c.state == RolloutState.SCORED).order_by(rollouts.c.slot)
_LIVE = select(rollouts).where(_IN_GROUP, rollouts.c.state.not_in(COMPLETE_ROLLOUT)).order_by(rollouts.c.slot)


@dataclass(frozen=True)
class Freshness:
    """The version that the next step trains, and how much older tokens may be."""

    trained_version: int
    max_staleness: int

    def holds(self, oldest_version: int) -> bool:
        return fresh(oldest_version, self.trained_version, self.max_staleness)


def complete_group(
    connection: Connection, group_id: str, freshness: Freshness, grouping: Grouping, now: float
) -> Changes:
    """Close the group if its fate is sealed; what it sends out commits with it.

    What still runs then ends as `cancelled`, unless it is measured: an evaluation waits for every slot.
    """
    group = connection.execute(select(groups).where(groups.c.group_id == group_id)).one()
    if group.state != GroupState.OPEN:
        return ()
    slots = connection.execute(_SLOTS, {"of": group_id}).all()
    live = sum(slot.state not in COMPLETE_ROLLOUT for slot in slots)
    if group.purpose == "evaluation":
        return () if live else _evaluated(connection, group, now)
    scored = [slot.oldest_version for slot in slots if slot.state == RolloutState.SCORED]
    coming = fate(sum(map(freshness.holds, scored)), live, group.size)
    return () if coming == "wait" else _closed(connection, group, coming, freshness, grouping, now)


def _closed(
    connection: Connection, group: Record, coming: Fate, freshness: Freshness, grouping: Grouping, now: float
) -> Changes:
    why = "its group has enough valid rollouts" if coming == "enough" else "its group has too few valid ones"
    release_group(connection, group.group_id)
    cancelled = _cancelled(connection, group, why, now)
    scored = connection.execute(_SCORED, {"of": group.group_id}).all()
    valid = [slot for slot in scored if freshness.holds(slot.oldest_version)]
    stale = [slot for slot in scored if not freshness.holds(slot.oldest_version)]
    too_old = [_too_old(connection, group, slot, now) for slot in stale]
    counts = repeats(len(valid), group.size)
    if counts is None:
        reason = str(Cause.STALE) if stale else "failed"
        ended = _dropped(connection, group, valid, reason, now)
    elif replaced([slot.reward for slot in valid], group.size, grouping):
        ended = _dropped(connection, group, valid, "no_variance", now)
    else:
        ended = _sent(connection, group, list(zip(valid, counts, strict=True)), grouping, now)
    return (*cancelled, *too_old, *ended)


def drop_group(connection: Connection, group: Record, why: str, now: float) -> Changes:
    """End an open training group as a person asks: nothing of it is trained, what runs is cancelled."""
    release_group(connection, group.group_id)
    cancelled = _cancelled(connection, group, why, now)
    scored = connection.execute(_SCORED, {"of": group.group_id}).all()
    return (*cancelled, *_dropped(connection, group, scored, str(Cause.CANCELLED), now))


def _dropped(
    connection: Connection, group: Record, valid: Sequence[Record], reason: str, now: float
) -> Changes:
    changes = _sealed(connection, group, valid, [0] * len(valid), now)
    values = _measures(valid)
    advance_group(connection, group.group_id, GroupState.DROPPED, reason=reason, ended_at=now, **values)
    return (*changes, _moved(group, GroupState.DROPPED, reason=reason, **values))


def _sent(
    connection: Connection,
    group: Record,
    slots: Sequence[tuple[Record, int]],
    grouping: Grouping,
    now: float,
) -> Changes:
    valid = [slot for slot, _ in slots]
    changes = _sealed(connection, group, valid, [count for _, count in slots], now)
    sealed = _sealed_group(group, slots, now)
    values = _measures(valid)
    cost = grouping.cost(values["sampled_tokens"])
    advance_group(
        connection,
        group.group_id,
        GroupState.SEALED,
        cost=cost,
        sealed_at=now,
        oldest_version=sealed.oldest_version,
        payload=msgspec.msgpack.encode(sealed),
        **values,
    )
    connection.execute(insert(outbox).values(group_id=group.group_id))
    moved = _moved(group, GroupState.SEALED, correction=cost - group.cost, **values)
    return (*changes, replace(moved, cost=cost))


def _measures(valid: Sequence[Record]) -> dict[str, Any]:
    """Of the unique valid rollouts: mean and spread of their rewards, and the tokens they sampled."""
    rewards = [slot.reward for slot in valid]
    return {
        "mean_reward": fmean(rewards) if rewards else None,
        "reward_std": pstdev(rewards) if rewards else None,
        "sampled_tokens": sum(slot.sampled_tokens for slot in valid),
    }


def _cancelled(connection: Connection, group: Record, why: str, now: float) -> list[Change]:
    """End what is still live in a group."""
    changes: list[Change] = []
    for slot in connection.execute(_LIVE, {"of": group.group_id}).all():
        ended = {"cause": Cause.CANCELLED, "error": why, "ended_at": now}
        values = {**ended, "reward": None, "components": None}
        if advance(connection, slot.rollout_id, slot.attempt, RolloutState.FAILED, values) is None:
            continue
        record_attempt(
            connection,
            group.environment,
            {"rollout_id": slot.rollout_id, "attempt": slot.attempt, "retried": False, **ended},
        )
        changes.append(_rollout_moved(group, slot, RolloutState.FAILED, Cause.CANCELLED, None))
    return changes


def _evaluated(connection: Connection, group: Record, now: float) -> Changes:
    release_group(connection, group.group_id)
    scored = connection.execute(_SCORED, {"of": group.group_id}).all()
    changes = _sealed(connection, group, scored, [1] * len(scored), now)
    mean = fmean(slot.reward for slot in scored) if scored else None
    advance_group(connection, group.group_id, GroupState.EVALUATED, ended_at=now, mean_reward=mean)
    return (*changes, _moved(group, GroupState.EVALUATED, mean_reward=mean))


def _sealed(
    connection: Connection, group: Record, slots: Sequence[Record], counts: Sequence[int], now: float
) -> list[RolloutMoved]:
    repeated = {slot.rollout_id: count for slot, count in zip(slots, counts, strict=True)}
    seal_all(connection, repeated, now)
    sealed = RolloutState.SEALED
    return [_rollout_moved(group, slot, sealed, Cause(slot.cause), slot.reward) for slot in slots]


def _too_old(connection: Connection, group: Record, slot: Record, now: float) -> RolloutMoved:
    error = f"sampled at version {slot.oldest_version}: too old to be trained"
    values = {"cause": Cause.STALE, "error": error, "reward": None, "components": None, "ended_at": now}
    advance(connection, slot.rollout_id, slot.attempt, RolloutState.FAILED, values)
    return _rollout_moved(group, slot, RolloutState.FAILED, Cause.STALE, None)


def _sealed_group(group: Record, slots: Sequence[tuple[Record, int]], now: float) -> SealedGroup:
    return SealedGroup(
        group_id=group.group_id,
        environment=group.environment,
        split=group.split,
        index=group.task_index,
        sealed_at=now,
        rollouts=tuple(
            SealedRollout(
                rollout_id=slot.rollout_id,
                attempt=slot.attempt,
                reward=slot.reward,
                components=slot.components,
                cause=slot.cause,
                oldest_version=slot.oldest_version,
                newest_version=slot.newest_version,
                sampled_tokens=slot.sampled_tokens,
                records=slot.records,
                digest=slot.digest,
                repeats=count,
            )
            for slot, count in slots
        ),
    ).checked()


def _rollout_moved(
    group: Record, slot: Record, state: RolloutState, cause: Cause, reward: float | None
) -> RolloutMoved:
    return RolloutMoved(
        rollout_id=slot.rollout_id,
        group_id=group.group_id,
        environment=group.environment,
        purpose=group.purpose,
        attempt=slot.attempt,
        state=state,
        cause=cause,
        reward=reward,
    )


def _moved(group: Record, state: GroupState, **known: Any) -> GroupMoved:
    return GroupMoved(group.group_id, group.environment, group.purpose, state, cost=group.cost, **known)
