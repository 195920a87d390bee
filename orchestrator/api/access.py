"""What every operation needs: the orchestrator behind the app, and who is asking."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from orchestrator.parts import Orchestrator
from services.contracts.problem import Problem
from services.kit.access import Claims, Scope

_bearer = HTTPBearer(auto_error=False, description="a capability that the orchestrator's secret has signed")


async def the_orchestrator(request: Request) -> Orchestrator:
    """Asynchronous, or FastAPI would run it in a thread."""
    orchestrator: Orchestrator = request.app.state.orchestrator
    return orchestrator


TheOrchestrator = Annotated[Orchestrator, Depends(the_orchestrator)]


class Allow:
    """Lets in bearers of one of `scopes`, and administrators. Raises Forbidden (401, 403)."""

    def __init__(self, *scopes: Scope) -> None:
        self._scopes = scopes

    async def __call__(
        self, request: Request, orchestrator: TheOrchestrator, _: Annotated[Any, Depends(_bearer)]
    ) -> Claims:
        return orchestrator.signer.require(request.headers.get("authorization"), *self._scopes)


def allow(*scopes: Scope) -> list[Any]:
    """The `dependencies` of an operation that takes one of `scopes`."""
    return [Depends(Allow(*scopes))]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that can fail with these, beside 401, 403 and 422."""
    titles = {
        401: "No valid token",
        403: "Not with this scope",
        404: "No such thing",
        409: "Not in this state",
    }
    titles |= {422: "Refused", 503: "Not now", 507: "No space left"}
    return {
        status: {"model": Problem, "description": titles[status]}
        for status in sorted({401, 403, 422, *statuses})
    }


READERS = (Scope.VIEWER, Scope.ENVIRONMENT, Scope.LEARNER, Scope.GATEWAY)
