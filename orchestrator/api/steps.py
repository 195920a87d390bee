"""Steps: what the learner reports."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import Connection, select

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from orchestrator.changes import Changes
from orchestrator.curves import RewardCurves, read_curves
from orchestrator.store.tables import steps
from orchestrator.training import record_step, tito_totals
from services.contracts.step import StepReport
from services.contracts.words import Word
from services.kit.access import Scope
from services.kit.failure import Refused

router = APIRouter(prefix="/v1/steps", tags=["steps"])


class StepView(Word):
    """One step: `weight_version` is the one that the step after it trains."""

    step: int
    weight_version: int
    metrics: dict[str, float | None]
    groups: tuple[dict[str, str | int], ...]
    tito_turns: int
    tito_breaks: int
    finished_at: float


class StepList(Word):
    steps: tuple[StepView, ...]
    next: int | None = Field(description="what to pass as `after` for more")


@router.put(
    "/{step}",
    status_code=204,
    summary="Report a step",
    dependencies=allow(Scope.LEARNER),
    responses=problems(),
)
async def put_step(
    step: Annotated[int, Path(ge=1)], report: StepReport, orchestrator: TheOrchestrator
) -> None:
    """Idempotent. Marks the groups that it consumed as trained or dropped."""
    if report.step != step:
        raise Refused("the report is of another step than its address", field="step", value=report.step)
    training = orchestrator.training

    def change(connection: Connection) -> Changes:
        return record_step(connection, report)

    await orchestrator.journal.commit(change)
    training.reported(report, *await orchestrator.store.read(tito_totals))
    orchestrator.dispatcher.wake()


@router.get("", summary="Steps so far", dependencies=allow(*READERS), responses=problems())
async def list_steps(
    orchestrator: TheOrchestrator,
    after: Annotated[int, Query(ge=0, description="only later steps")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
) -> StepList:
    def question(connection: Connection) -> StepList:
        rows = connection.execute(
            select(steps).where(steps.c.step > after).order_by(steps.c.step).limit(limit + 1)
        ).all()
        page = tuple(StepView.model_validate(row._asdict()) for row in rows[:limit])
        return StepList(steps=page, next=page[-1].step if len(rows) > limit else None)

    return await orchestrator.store.read(question)


@router.get(
    "/rewards", summary="Rewards by environment and step", dependencies=allow(*READERS), responses=problems()
)
async def list_rewards(
    orchestrator: TheOrchestrator,
    after: Annotated[int, Query(ge=0, description="only later steps")] = 0,
) -> RewardCurves:
    """The mean over the groups that each step consumed."""
    return await orchestrator.store.read(lambda connection: read_curves(connection, after))
