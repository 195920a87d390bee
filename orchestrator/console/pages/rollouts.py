"""Rollouts: a list with filters, a hundred at a time however many there are."""

from starlette.responses import Response
from starlette.routing import Route

from orchestrator.api.environments import EnvironmentList
from orchestrator.console.visit import Visit, signed_in
from orchestrator.lifecycle import RolloutState
from orchestrator.reading import RolloutPage
from services.contracts.cause import Cause

_ROWS = 100


async def rollouts(visit: Visit) -> Response:
    names = ("environment", "state", "cause", "group_id", "dead", "after")
    wanted = {name: visit.wanted(name) for name in names}
    page = await visit.api.get(RolloutPage, "/v1/rollouts", limit=_ROWS, **wanted)
    known = await visit.api.get(EnvironmentList, "/v1/environments")
    return await visit.page(
        "rollouts.jinja",
        page=page,
        wanted=wanted,
        environments=[environment.name for environment in known.environments],
        states=list(RolloutState),
        causes=list(Cause),
    )


routes = [Route("/rollouts", signed_in(rollouts))]
