"""Evaluations: measure a policy on chosen tasks without training on them."""

import time

from fastapi import APIRouter

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from orchestrator.evaluation import Evaluation, EvaluationRequest, open_evaluation, read_evaluation
from services.contracts.words import Id, Word
from services.kit.failure import Refused

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])


class EvaluationStarted(Word):
    evaluation_id: Id


@router.post(
    "", status_code=202, summary="Start an evaluation", dependencies=allow(), responses=problems(404)
)
async def start_evaluation(request: EvaluationRequest, orchestrator: TheOrchestrator) -> EvaluationStarted:
    """Its rollouts go before those of training, on the first tasks of the split, round and round: the
    same request later measures the same tasks. Nothing of it is trained, and it costs no share."""
    environment = orchestrator.registry.named(request.environment)
    splits = environment.manifest.splits
    tasks = splits.get(request.split, 0)
    if tasks == 0:
        remedy = f"choose one of: {', '.join(name for name, number in splits.items() if number)}"
        detail = f"environment '{request.environment}' has no tasks in split '{request.split}'"
        raise Refused(detail, field="split", value=request.split, remedy=remedy)
    sampling = request.sampling or orchestrator.settings.sampling
    now = time.time()
    await orchestrator.journal.commit(
        lambda connection: open_evaluation(connection, request, tasks, sampling, now)
    )
    return EvaluationStarted(evaluation_id=request.evaluation_id)


@router.get(
    "/{evaluation_id}",
    summary="How an evaluation stands",
    dependencies=allow(*READERS),
    responses=problems(404),
)
async def get_evaluation(evaluation_id: Id, orchestrator: TheOrchestrator) -> Evaluation:
    return await orchestrator.store.read(lambda connection: read_evaluation(connection, evaluation_id))
