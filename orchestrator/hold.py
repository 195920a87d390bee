"""What a person says of one group: that it rests, that it tries nothing again, or when it must have ended.

On the record until the group ends, so that a restart changes nothing.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from orchestrator.changes import Changes, GroupHeld
from orchestrator.lifecycle import GroupState
from orchestrator.store.tables import groups, holds
from services.kit.failure import Conflict, Missing

HoldState = Literal["active", "paused", "draining"]


@dataclass(frozen=True)
class Hold:
    """paused: what waits is not sent. draining: what fails is not tried again. deadline_s: seconds from when
    it was said (or from a restart) until everything of the group ends."""

    state: HoldState = "active"
    deadline_s: float | None = None


def hold_group(connection: Connection, group_id: str, hold: Hold) -> Changes:
    """Put it on the record. Raises Missing, or Conflict if the group is no longer open."""
    group = connection.execute(select(groups).where(groups.c.group_id == group_id)).one_or_none()
    if group is None:
        raise Missing(f"no group {group_id}", field="group_id", value=group_id)
    if group.state != GroupState.OPEN:
        raise Conflict(f"group {group_id} is no longer open: {group.state}")
    release_group(connection, group_id)
    connection.execute(insert(holds).values(group_id=group_id, **vars(hold)))
    return (GroupHeld(group_id, group.environment, hold.state, hold.deadline_s),)


def hold_of(connection: Connection, group_id: str) -> Hold:
    """What was said of a group last."""
    said = select(holds.c.state, holds.c.deadline_s).where(holds.c.group_id == group_id)
    row = connection.execute(said).one_or_none()
    return Hold() if row is None else Hold(row.state, row.deadline_s)


def holds_of_open(connection: Connection) -> Changes:
    """Everything that was said of groups that are still open."""
    rows = connection.execute(
        select(holds, groups.c.environment)
        .join_from(holds, groups, holds.c.group_id == groups.c.group_id)
        .where(groups.c.state == GroupState.OPEN)
    )
    return tuple(GroupHeld(row.group_id, row.environment, row.state, row.deadline_s) for row in rows)


def release_group(connection: Connection, group_id: str) -> None:
    """Forget what was said of a group."""
    connection.execute(delete(holds).where(holds.c.group_id == group_id))
