"""Groups: rollouts of one task that are trained together."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import Connection

from orchestrator.api.access import READERS, Person, TheOrchestrator, allow, problems
from orchestrator.audit import Audited, Who, audited, keep
from orchestrator.cancel import cancel_group, cancel_groups
from orchestrator.changes import Changes, GroupMoved
from orchestrator.hold import Hold, HoldState, hold_group
from orchestrator.lifecycle import GroupState
from orchestrator.reading import GroupDetail, GroupFilter, GroupPage, read_group, read_groups
from services.contracts.words import Id, Name, Purpose, Word

router = APIRouter(prefix="/v1/groups", tags=["groups"])


class Cancelled(Word):
    """How many groups were cancelled."""

    groups: int


class GroupChange(Word):
    """How an open group goes on."""

    state: HoldState = "active"
    deadline_s: float | None = Field(default=None, gt=0.0, description="seconds from now")


@router.get("", summary="Find groups", dependencies=allow(*READERS), responses=problems())
async def list_groups(
    orchestrator: TheOrchestrator,
    environment: Name | None = None,
    state: GroupState | None = None,
    purpose: Purpose | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[Id | None, Query(description="the last id of the page before")] = None,
) -> GroupPage:
    """Newest first. Follow `next` with `after` for more."""
    wanted = GroupFilter(environment, state, purpose)
    return await orchestrator.store.read(lambda connection: read_groups(connection, wanted, limit, after))


@router.get(
    "/{group_id}",
    summary="One group with its rollouts",
    dependencies=allow(*READERS),
    responses=problems(404),
)
async def get_group(group_id: Id, orchestrator: TheOrchestrator) -> GroupDetail:
    return await orchestrator.store.read(lambda connection: read_group(connection, group_id))


@router.patch("/{group_id}", summary="Pause or drain a group", responses=problems(404, 409))
async def change_group(
    group_id: Id, change: GroupChange, orchestrator: TheOrchestrator, claims: Person
) -> GroupDetail:
    """`paused`: what waits of it is not sent; what runs goes on. `draining`: what fails of it is not tried
    again. `deadline_s`: what has not ended by then is cancelled, and the group closed with what it has.
    Takes effect at once and outlives restarts; what is left out is as if it had never been said."""
    hold = Hold(change.state, change.deadline_s)
    entry = Audited(f"group/{group_id}", "hold", None, change.model_dump(), Who.bears(claims))

    def held(connection: Connection) -> Changes:
        changes = hold_group(connection, group_id, hold)
        keep(connection, [entry])
        return changes

    await orchestrator.journal.commit(held)
    return await orchestrator.store.read(lambda connection: read_group(connection, group_id))


@router.delete("/{group_id}", summary="Cancel a group", responses=problems(404, 409))
async def delete_group(group_id: Id, orchestrator: TheOrchestrator, claims: Person) -> GroupDetail:
    """An open training group is dropped and its share refunded; what it runs ends as `cancelled`, and
    its environment is told at its next heartbeat."""
    rules = orchestrator.rules()
    trail = Audited(f"group/{group_id}", "state", None, "cancelled", Who.bears(claims))
    await orchestrator.journal.commit(audited(lambda found: cancel_group(found, group_id, rules), trail))
    return await orchestrator.store.read(lambda connection: read_group(connection, group_id))


@router.delete("", summary="Cancel all open groups", responses=problems())
async def delete_groups(
    orchestrator: TheOrchestrator, claims: Person, environment: Name | None = None
) -> Cancelled:
    """All open training groups, or those of one environment. Pause admission first, or others follow."""
    rules = orchestrator.rules()
    trail = Audited(f"groups/{environment or '*'}", "state", None, "cancelled", Who.bears(claims))
    changes = await orchestrator.journal.commit(
        audited(lambda connection: cancel_groups(connection, environment, rules), trail)
    )
    return Cancelled(groups=sum(isinstance(change, GroupMoved) for change in changes))
