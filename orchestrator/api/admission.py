"""Admission: whether new training groups are opened."""

from fastapi import APIRouter

from orchestrator.api.access import Person, TheOrchestrator, problems
from orchestrator.audit import Who
from orchestrator.gate import Position
from services.contracts.words import Word

router = APIRouter(prefix="/v1/admission", tags=["admission"])


class Admission(Word):
    state: Position


@router.put("", summary="Open, pause or halt admission", responses=problems())
async def put_admission(admission: Admission, orchestrator: TheOrchestrator, claims: Person) -> Admission:
    """Paused: no new training groups; what is live goes on, and evaluations start. Halted: nothing that
    waits is sent either; what runs goes on. Outlives restarts."""
    await orchestrator.gate.set(admission.state, Who.bears(claims))
    orchestrator.dispatcher.wake()
    return admission
