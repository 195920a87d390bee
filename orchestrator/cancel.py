"""Cancelling: a rollout, a group, or everything that an environment still has to do."""

from sqlalchemy import Connection, select

from orchestrator.attempts import Ending, Rules, fail
from orchestrator.changes import Change, Changes
from orchestrator.completion import drop_group
from orchestrator.lifecycle import ENDED_ROLLOUT, LIVE_ROLLOUT, GroupState, RolloutState
from orchestrator.store.tables import groups, rollouts
from services.contracts.cause import Cause
from services.kit.failure import Conflict, Missing


def cancel_rollout(connection: Connection, rollout_id: str, rules: Rules) -> Changes:
    """End a rollout with cause `cancelled`. Raises Missing, or Conflict if it has ended."""
    row = connection.execute(
        select(rollouts.c.attempt, rollouts.c.state, rollouts.c.cause).where(
            rollouts.c.rollout_id == rollout_id
        )
    ).one_or_none()
    if row is None:
        raise Missing(f"no rollout {rollout_id}", field="rollout_id", value=rollout_id)
    if row.cause == Cause.CANCELLED and row.state == RolloutState.FAILED:
        return ()
    if row.state in ENDED_ROLLOUT:
        raise Conflict(f"rollout {rollout_id} has ended: {row.state}")
    ending = Ending(Cause.CANCELLED, "cancelled by a person", LIVE_ROLLOUT)
    return fail(connection, rollout_id, row.attempt, ending, rules)


def cancel_group(connection: Connection, group_id: str, rules: Rules) -> Changes:
    """End an open training group: it is dropped, whatever its rollouts had earned so far.

    Raises Missing, or Conflict if it is sealed, has ended or is an evaluation's.
    """
    group = connection.execute(select(groups).where(groups.c.group_id == group_id)).one_or_none()
    if group is None:
        raise Missing(f"no group {group_id}", field="group_id", value=group_id)
    if (group.state, group.reason) == (GroupState.DROPPED, Cause.CANCELLED):
        return ()
    if group.state != GroupState.OPEN:
        raise Conflict(f"group {group_id} is no longer open: {group.state}")
    if group.purpose != "train":
        raise Conflict(f"group {group_id} belongs to an evaluation", remedy="cancel its rollouts one by one")
    return drop_group(connection, group, "its group was cancelled by a person", rules.now)


def cancel_groups(connection: Connection, environment: str | None, rules: Rules) -> Changes:
    """End every open training group, or those of one environment."""
    wanted = select(groups).where(groups.c.state == GroupState.OPEN, groups.c.purpose == "train")
    if environment is not None:
        wanted = wanted.where(groups.c.environment == environment)
    changes: list[Change] = []
    for group in connection.execute(wanted.order_by(groups.c.seq)).all():
        changes += drop_group(connection, group, "its group was cancelled by a person", rules.now)
    return tuple(changes)


def cancel_environment(connection: Connection, name: str, rules: Rules) -> Changes:
    """End everything that is live in an environment."""
    live = connection.execute(
        select(rollouts.c.rollout_id, rollouts.c.attempt).where(
            rollouts.c.environment == name,
            rollouts.c.state.in_([RolloutState.QUEUED, RolloutState.RUNNING, RolloutState.REPORTED]),
        )
    ).all()
    ending = Ending(Cause.CANCELLED, f"environment {name} was removed", LIVE_ROLLOUT)
    changes: list[Change] = []
    for row in live:
        changes += fail(connection, row.rollout_id, row.attempt, ending, rules)
    return tuple(changes)
