"""Life cycles of rollouts and groups: one table of legal moves each, and one idempotent `advance`."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, bindparam, update
from sqlalchemy.sql.dml import ReturningUpdate

from orchestrator.store.tables import Record, groups, rollouts


class RolloutState(StrEnum):
    """`queued → running → reported → scored`, then `sealed` or `failed` for good."""

    QUEUED = "queued"
    RUNNING = "running"
    REPORTED = "reported"
    SCORED = "scored"
    SEALED = "sealed"
    FAILED = "failed"


class GroupState(StrEnum):
    """`open → sealed → trained`; `open → evaluated`; `dropped` from open or sealed."""

    OPEN = "open"
    SEALED = "sealed"
    TRAINED = "trained"
    EVALUATED = "evaluated"
    DROPPED = "dropped"


_R, _G = RolloutState, GroupState

# An outcome may overtake the note that its attempt was accepted, so `reported` follows `queued` too.
# Back to `queued` is the next attempt.
ROLLOUT_MOVES: Final[Mapping[RolloutState, frozenset[RolloutState]]] = {
    _R.QUEUED: frozenset({_R.QUEUED, _R.RUNNING, _R.REPORTED}),
    _R.RUNNING: frozenset({_R.QUEUED}),
    _R.REPORTED: frozenset({_R.QUEUED, _R.RUNNING}),
    _R.SCORED: frozenset({_R.REPORTED}),
    _R.SEALED: frozenset({_R.SCORED}),
    _R.FAILED: frozenset({_R.QUEUED, _R.RUNNING, _R.REPORTED, _R.SCORED}),
}

GROUP_MOVES: Final[Mapping[GroupState, frozenset[GroupState]]] = {
    _G.OPEN: frozenset(),
    _G.SEALED: frozenset({_G.OPEN}),
    _G.EVALUATED: frozenset({_G.OPEN}),
    _G.TRAINED: frozenset({_G.SEALED}),
    _G.DROPPED: frozenset({_G.OPEN, _G.SEALED}),
}

ENDED_ROLLOUT: Final = frozenset({_R.SEALED, _R.FAILED})
LIVE_ROLLOUT: Final = frozenset(_R) - ENDED_ROLLOUT
IN_ENVIRONMENT: Final = frozenset({_R.QUEUED, _R.RUNNING})
ENDED_GROUP: Final = frozenset({_G.TRAINED, _G.EVALUATED, _G.DROPPED})
COMPLETE_ROLLOUT: Final = frozenset({_R.SCORED, *ENDED_ROLLOUT})


def advance(
    connection: Connection,
    rollout_id: str,
    attempt: int,
    to: RolloutState,
    values: Mapping[str, Any] = MappingProxyType({}),
    leaving: frozenset[RolloutState] = LIVE_ROLLOUT,
) -> Record | None:
    """Move attempt `attempt` of a rollout, if its state is one to leave: of the table, and of `leaving`.

    Returns its group, environment and purpose; None, and nothing done, if it is elsewhere. The attempt is
    the fencing token: a writer that was overtaken touches no row.
    """
    key = {"of_rollout": rollout_id, "of_attempt": attempt}
    return connection.execute(_move(to, leaving), {**key, "state": to, **values}).one_or_none()


@cache
def _move(to: RolloutState, leaving: frozenset[RolloutState]) -> ReturningUpdate[*tuple[Any, ...]]:
    """The statement of a move, built once: building costs as much as running it."""
    return (
        update(rollouts)
        .where(
            rollouts.c.rollout_id == bindparam("of_rollout"),
            rollouts.c.attempt == bindparam("of_attempt"),
            rollouts.c.state.in_(ROLLOUT_MOVES[to] & leaving),
        )
        .returning(rollouts.c.group_id, rollouts.c.environment, rollouts.c.purpose)
    )


def seal_all(connection: Connection, repeats: Mapping[str, int], now: float) -> None:
    """Move scored rollouts to their end at once; each counts as often as `repeats` says."""
    (scored,) = ROLLOUT_MOVES[RolloutState.SEALED]
    seal = (
        update(rollouts)
        .where(rollouts.c.rollout_id == bindparam("of"), rollouts.c.state == scored)
        .values(state=RolloutState.SEALED, ended_at=now, repeats=bindparam("number"))
    )
    if repeats:
        connection.execute(seal, [{"of": of, "number": number} for of, number in repeats.items()])


def advance_group(connection: Connection, group_id: str, to: GroupState, **values: Any) -> bool:
    """Move a group. False, and nothing done, if it is not where it may leave from."""
    moved = connection.execute(
        update(groups)
        .where(groups.c.group_id == group_id, groups.c.state.in_(GROUP_MOVES[to]))
        .values(state=to, **values)
    )
    return moved.rowcount == 1
