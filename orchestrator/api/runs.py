"""Runs: which training this orchestrator is in, and how far it has come."""

from fastapi import APIRouter

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from orchestrator.gate import Position
from orchestrator.parts import Orchestrator
from orchestrator.runs import Run, read_run, read_runs
from services.contracts.words import Id, Word

router = APIRouter(prefix="/v1/runs", tags=["runs"], dependencies=allow(*READERS))


class RunView(Run):
    """A run, and where it stands."""

    step: int
    weight_version: int
    admission: Position


class RunList(Word):
    """A store holds one run."""

    runs: tuple[RunView, ...]


@router.get("", summary="List runs", responses=problems())
async def list_runs(orchestrator: TheOrchestrator) -> RunList:
    found = await orchestrator.store.read(read_runs)
    return RunList(runs=tuple(_view(orchestrator, run) for run in found))


@router.get("/{run_id}", summary="One run", responses=problems(404))
async def get_run(run_id: Id, orchestrator: TheOrchestrator) -> RunView:
    return _view(orchestrator, await orchestrator.store.read(lambda found: read_run(found, run_id)))


def _view(orchestrator: Orchestrator, run: Run) -> RunView:
    training = orchestrator.training
    return RunView(
        **dict(run),
        step=training.step,
        weight_version=training.weight_version,
        admission=orchestrator.gate.position,
    )
