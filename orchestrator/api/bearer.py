"""Bearer: what the token that is presented may do."""

from typing import Annotated

from fastapi import APIRouter

from orchestrator.api.access import bearer, problems
from services.contracts.words import Word
from services.kit.access import Claims, Scope

router = APIRouter(prefix="/v1/bearer", tags=["tokens"])

_ANYBODY = (Scope.VIEWER, Scope.ENVIRONMENT, Scope.LEARNER, Scope.GATEWAY)


class Bearer(Word):
    """Whose token it is."""

    scope: Scope


@router.get("", summary="What this token may do", responses=problems())
async def get_bearer(claims: Annotated[Claims, bearer(*_ANYBODY)]) -> Bearer:
    return Bearer(scope=claims.scope)
