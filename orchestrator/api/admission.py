"""Admission: whether new training groups are opened."""

from typing import Annotated

from fastapi import APIRouter, Depends

from orchestrator.api.access import Allow, TheOrchestrator, problems
from orchestrator.gate import Position
from services.contracts.words import Word
from services.kit.access import Claims

router = APIRouter(prefix="/v1/admission", tags=["admission"])


class Admission(Word):
    state: Position


@router.put("", summary="Open, pause or halt admission", responses=problems())
async def put_admission(
    admission: Admission, orchestrator: TheOrchestrator, claims: Annotated[Claims, Depends(Allow())]
) -> Admission:
    """Paused: no new training groups; what is live goes on, and evaluations start. Halted: nothing that
    waits is sent either; what runs goes on. Outlives restarts."""
    await orchestrator.gate.set(admission.state, claims.scope)
    orchestrator.dispatcher.wake()
    return admission
