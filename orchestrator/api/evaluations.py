"""Evaluations: measure a policy on chosen tasks without training on them."""

import time
from typing import Annotated

from fastapi import APIRouter, Query

from orchestrator.api.access import READERS, Idempotency, Person, TheOrchestrator, allow, problems
from orchestrator.audit import Audited, Who, audited
from orchestrator.evaluation import (
    Evaluation,
    EvaluationRequest,
    open_evaluation,
    read_evaluation,
    read_evaluations,
)
from orchestrator.parts import Orchestrator
from services.contracts.words import Id, Word
from services.kit.failure import Refused

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])


class EvaluationStarted(Word):
    evaluation_id: Id


class EvaluationPage(Word):
    """Evaluations, newest first; `next` is what to pass as `offset` for more."""

    evaluations: tuple[Evaluation, ...]
    next: int | None


@router.post("", status_code=202, summary="Start an evaluation", responses=problems(404))
async def start_evaluation(
    request: EvaluationRequest, orchestrator: TheOrchestrator, claims: Person, key: Idempotency = None
) -> EvaluationStarted:
    """Its rollouts go before those of training, on the first tasks of the split, round and round: the
    same request later measures the same tasks. Nothing of it is trained, and it costs no share."""
    if key is not None and "evaluation_id" not in request.model_fields_set:
        request = request.model_copy(update={"evaluation_id": key})
    await start(orchestrator, request, Who.bears(claims))
    return EvaluationStarted(evaluation_id=request.evaluation_id)


async def start(orchestrator: Orchestrator, request: EvaluationRequest, who: Who) -> None:
    """Open it, once. Raises Missing or Refused for a task that there is not."""
    environment = orchestrator.registry.named(request.environment)
    splits = environment.manifest.splits
    tasks = splits.get(request.split, 0)
    if tasks == 0:
        remedy = f"choose one of: {', '.join(name for name, number in splits.items() if number)}"
        detail = f"environment '{request.environment}' has no tasks in split '{request.split}'"
        raise Refused(detail, field="split", value=request.split, remedy=remedy)
    sampling = request.sampling or orchestrator.settings.sampling
    now = time.time()
    trail = Audited(f"evaluation/{request.evaluation_id}", "rollouts", None, request.rollouts, who)
    opening = audited(lambda found: open_evaluation(found, request, tasks, sampling, now), trail)
    await orchestrator.journal.commit(opening)


@router.get("", summary="List evaluations", dependencies=allow(*READERS), responses=problems())
async def list_evaluations(
    orchestrator: TheOrchestrator,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> EvaluationPage:
    found = await orchestrator.store.read(lambda connection: read_evaluations(connection, limit + 1, offset))
    more = len(found) > limit
    return EvaluationPage(evaluations=found[:limit], next=offset + limit if more else None)


@router.get(
    "/{evaluation_id}",
    summary="How an evaluation stands",
    dependencies=allow(*READERS),
    responses=problems(404),
)
async def get_evaluation(evaluation_id: Id, orchestrator: TheOrchestrator) -> Evaluation:
    return await orchestrator.store.read(lambda connection: read_evaluation(connection, evaluation_id))
