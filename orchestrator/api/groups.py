"""Groups: rollouts of one task that are trained together."""

from typing import Annotated

from fastapi import APIRouter, Query

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from orchestrator.cancel import cancel_group, cancel_groups
from orchestrator.changes import GroupMoved
from orchestrator.lifecycle import GroupState
from orchestrator.reading import GroupDetail, GroupFilter, GroupPage, read_group, read_groups
from services.contracts.words import Id, Name, Purpose, Word

router = APIRouter(prefix="/v1/groups", tags=["groups"])


class Cancelled(Word):
    """How many groups were cancelled."""

    groups: int


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


@router.delete("/{group_id}", summary="Cancel a group", dependencies=allow(), responses=problems(404, 409))
async def delete_group(group_id: Id, orchestrator: TheOrchestrator) -> GroupDetail:
    """An open training group is dropped and its share refunded; what it runs ends as `cancelled`, and
    its environment is told at its next heartbeat."""
    rules = orchestrator.rules()
    await orchestrator.journal.commit(lambda connection: cancel_group(connection, group_id, rules))
    return await orchestrator.store.read(lambda connection: read_group(connection, group_id))


@router.delete("", summary="Cancel all open groups", dependencies=allow(), responses=problems())
async def delete_groups(orchestrator: TheOrchestrator, environment: Name | None = None) -> Cancelled:
    """All open training groups, or those of one environment. Pause admission first, or others follow."""
    rules = orchestrator.rules()
    changes = await orchestrator.journal.commit(
        lambda connection: cancel_groups(connection, environment, rules)
    )
    return Cancelled(groups=sum(isinstance(change, GroupMoved) for change in changes))
