"""Groups: a list with filters, and one group with its rollouts side by side."""

import asyncio

from starlette.responses import Response
from starlette.routing import Route

from orchestrator.api.environments import EnvironmentList
from orchestrator.console.session import HOME
from orchestrator.console.visit import Visit, signed_in
from orchestrator.lifecycle import GroupState
from orchestrator.reading import GroupDetail, GroupPage, RolloutDetail

_ROWS = 100
_SIBLINGS = 32


async def groups(visit: Visit) -> Response:
    names = ("environment", "state", "purpose", "after")
    wanted = {name: visit.wanted(name) for name in names}
    page = await visit.api.get(GroupPage, "/v1/groups", limit=_ROWS, **wanted)
    known = await visit.api.get(EnvironmentList, "/v1/environments")
    return await visit.page(
        "groups.jinja",
        page=page,
        wanted=wanted,
        environments=[environment.name for environment in known.environments],
        states=list(GroupState),
    )


async def group(visit: Visit) -> Response:
    found = await visit.api.get(GroupDetail, f"/v1/groups/{visit.named('group_id')}")
    asked = (
        visit.api.get(RolloutDetail, f"/v1/rollouts/{rollout.rollout_id}")
        for rollout in found.rollouts[:_SIBLINGS]
    )
    rewards = [rollout.reward for rollout in found.rollouts if rollout.reward is not None]
    return await visit.page(
        "group.jinja", group=found, siblings=await asyncio.gather(*asked), best=max(rewards, default=None)
    )


async def cancel(visit: Visit) -> Response:
    group_id = visit.named("group_id")
    await visit.api.send("DELETE", f"/v1/groups/{group_id}")
    return visit.go(f"{HOME}groups/{group_id}")


routes = [
    Route("/groups", signed_in(groups)),
    Route("/groups/{group_id}", signed_in(group)),
    Route("/groups/{group_id}/cancel", signed_in(cancel), methods=["POST"]),
]
