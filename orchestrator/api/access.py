"""What every operation needs: the orchestrator behind the app, and who is asking."""

import hashlib
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer

from orchestrator.parts import Orchestrator
from services.contracts.problem import Problem
from services.kit.access import BOUND, Claims, Scope

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
        claims = orchestrator.signer.require(request.headers.get("authorization"), *self._scopes)
        await orchestrator.standing.admit(claims)
        return claims


def bearer(*scopes: Scope) -> Any:
    """The claims of whoever bears one of `scopes`; none: of an administrator. The scopes stand in OpenAPI."""
    named = list(scopes) if scopes and BOUND.issuperset(scopes) else [*scopes, Scope.ADMIN]
    return Security(Allow(*scopes), scopes=[str(scope) for scope in named])


def allow(*scopes: Scope) -> list[Any]:
    """The `dependencies` of an operation that takes one of `scopes`."""
    return [bearer(*scopes)]


Person = Annotated[Claims, bearer()]


async def _idempotency(
    claims: Person,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="the same key again, with the same token, does nothing twice",
        ),
    ] = None,
) -> str | None:
    return key and hashlib.sha256(f"{claims.token_id}\0{key}".encode()).hexdigest()[:32]


# The id that whatever a request makes will have, if it came with a key.
Idempotency = Annotated[str | None, Depends(_idempotency)]


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


READERS = (Scope.VIEWER,)
