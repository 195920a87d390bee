"""Rollouts: outcomes come in, and every rollout can be read message by message and token by token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from orchestrator.api.access import READERS, Allow, TheOrchestrator, allow, problems
from orchestrator.attempts import Fenced, report
from orchestrator.cancel import cancel_rollout
from orchestrator.lifecycle import RolloutState
from orchestrator.reading import (
    RolloutDetail,
    RolloutFilter,
    RolloutPage,
    read_rollout,
    read_rollouts,
)
from services.contracts.cause import Cause
from services.contracts.outcome import Outcome
from services.contracts.words import Id, Name, Word
from services.kit.access import Claims, Scope
from services.kit.failure import Forbidden, Refused

router = APIRouter(prefix="/v1/rollouts", tags=["rollouts"])
_MOST_DETAILS = 262_144


class Acknowledgement(Word):
    """The outcome is on the record."""

    rollout_id: Id
    attempt: int
    recorded: bool = True


@router.put(
    "/{rollout_id}/attempts/{attempt}/outcome",
    summary="Report how an attempt ended",
    responses=problems(404, 409, 503),
)
async def put_outcome(
    rollout_id: Id,
    attempt: int,
    outcome: Outcome,
    orchestrator: TheOrchestrator,
    claims: Annotated[Claims, Depends(Allow(Scope.REPORT))],
) -> Acknowledgement:
    """Idempotent: the same outcome again is acknowledged again. 409: the attempt is over, a newer one
    runs or another outcome was recorded; discard this one. Acknowledged means committed."""
    _check(rollout_id, attempt, outcome, claims)
    rules = orchestrator.rules()
    try:
        await orchestrator.journal.commit(lambda connection: report(connection, outcome, rules))
    except Fenced:
        orchestrator.metrics.fenced.inc()
        raise
    return Acknowledgement(rollout_id=rollout_id, attempt=attempt)


@router.get("", summary="Find rollouts", dependencies=allow(*READERS), responses=problems())
async def list_rollouts(
    orchestrator: TheOrchestrator,
    environment: Name | None = None,
    state: RolloutState | None = None,
    cause: Cause | None = None,
    group_id: Id | None = None,
    dead: Annotated[bool, Query(description="only dead letters: those that failed at every attempt")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[Id | None, Query(description="the last id of the page before")] = None,
) -> RolloutPage:
    """Newest first. Follow `next` with `after` for more."""
    wanted = RolloutFilter(environment, state, cause, group_id, dead)
    return await orchestrator.store.read(lambda connection: read_rollouts(connection, wanted, limit, after))


@router.get(
    "/{rollout_id}", summary="One rollout, whole", dependencies=allow(*READERS), responses=problems(404)
)
async def get_rollout(
    rollout_id: Id, orchestrator: TheOrchestrator, tokens: bool = False, pieces: bool = False
) -> RolloutDetail:
    """Its attempts, its message list and its model calls with token counts and version spans. With
    `tokens=true` also ids and log-probs, while the token store still has them, and with `pieces=true` what
    each id adds to the text, while the gateway answers."""
    detail = await orchestrator.store.read(lambda connection: read_rollout(connection, rollout_id))
    detail = await orchestrator.transcripts.so_far(detail)
    if not tokens:
        return detail
    found = await orchestrator.transcripts.tokens(detail, pieces=pieces)
    return detail.model_copy(update={"tokens": found})


@router.delete(
    "/{rollout_id}", summary="Cancel a rollout", dependencies=allow(), responses=problems(404, 409)
)
async def delete_rollout(rollout_id: Id, orchestrator: TheOrchestrator) -> RolloutDetail:
    """It ends with cause `cancelled`; its environment is told at its next heartbeat."""
    rules = orchestrator.rules()
    await orchestrator.journal.commit(lambda connection: cancel_rollout(connection, rollout_id, rules))
    return await orchestrator.store.read(lambda connection: read_rollout(connection, rollout_id))


def _check(rollout_id: str, attempt: int, outcome: Outcome, claims: Claims) -> None:
    """Address, body and capability must mean the same attempt."""
    addressed = (rollout_id, attempt)
    if (outcome.rollout_id, outcome.attempt) != addressed:
        said = f"{outcome.rollout_id}/{outcome.attempt}"
        raise Refused(
            "the outcome is of another attempt than its address", field="rollout_id, attempt", value=said
        )
    if (claims.rollout_id, claims.attempt) != addressed:
        raise Forbidden("this token reports another attempt", remedy="use the report_token of this attempt")
    size = len(str(outcome.details))
    if size > _MOST_DETAILS:
        raise Refused(
            f"details have {size} characters", field="details", remedy=f"send at most {_MOST_DETAILS}"
        )
