"""Rollouts: outcomes come in, and every rollout can be read message by message and token by token."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse

from orchestrator.api.access import READERS, Idempotency, Person, TheOrchestrator, allow, bearer, problems
from orchestrator.api.evaluations import start
from orchestrator.attempts import Fenced, report
from orchestrator.audit import Audited, Who, audited
from orchestrator.cancel import cancel_rollout
from orchestrator.evaluation import EvaluationRequest, rollouts_of
from orchestrator.lifecycle import RolloutState
from orchestrator.reading import (
    RolloutDetail,
    RolloutFilter,
    RolloutPage,
    read_rollout,
    read_rollouts,
)
from orchestrator.watchers import Watchers
from services.contracts.cause import Cause
from services.contracts.outcome import Outcome
from services.contracts.words import Id, Name, Word, new_id
from services.kit.access import Claims, Scope
from services.kit.failure import Forbidden, Refused

router = APIRouter(prefix="/v1/rollouts", tags=["rollouts"])
_MOST_DETAILS = 262_144
_ALIVE_S = 5.0
Attempt = Annotated[int, Path(ge=1, le=2**31 - 1)]


async def _reports_this_attempt(
    rollout_id: Id, attempt: Attempt, claims: Annotated[Claims, bearer(Scope.REPORT)]
) -> None:
    """Known before the body is looked at. Raises Forbidden."""
    if (claims.rollout_id, claims.attempt) != (rollout_id, attempt):
        raise Forbidden("this token reports another attempt", remedy="use the report_token of this attempt")


class Acknowledgement(Word):
    """The outcome is on the record."""

    rollout_id: Id
    attempt: int
    recorded: bool = True


class Replayed(Word):
    """The new rollout, and the evaluation of one that it belongs to."""

    rollout_id: Id
    evaluation_id: Id
    replays: Id


@router.put(
    "/{rollout_id}/attempts/{attempt}/outcome",
    summary="Report how an attempt ended",
    dependencies=[Depends(_reports_this_attempt)],
    responses=problems(404, 409, 503),
)
async def put_outcome(
    rollout_id: Id,
    attempt: Attempt,
    outcome: Outcome,
    orchestrator: TheOrchestrator,
) -> Acknowledgement:
    """Idempotent: the same outcome again is acknowledged again. 409: the attempt is over, a newer one
    runs or another outcome was recorded; discard this one. Acknowledged means committed."""
    _check(rollout_id, attempt, outcome)
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
    "/stream",
    summary="Rollouts as they move",
    response_class=StreamingResponse,
    dependencies=allow(*READERS),
    responses={200: {"content": {"text/event-stream": {}}}, **problems()},
)
async def stream_rollouts(
    orchestrator: TheOrchestrator, environment: Name | None = None
) -> StreamingResponse:
    """Server-sent events from now on; the data of each is a `RolloutEvent`. An empty comment every few
    seconds tells that the stream is alive."""
    events = _events(orchestrator.watchers, environment)
    return StreamingResponse(events, media_type="text/event-stream")


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


@router.post(
    "/{rollout_id}/replay",
    status_code=202,
    summary="Run the same task again",
    responses=problems(404, 422),
)
async def replay_rollout(
    rollout_id: Id, orchestrator: TheOrchestrator, claims: Person, key: Idempotency = None
) -> Replayed:
    """A new rollout of the task, by today's policy. It is an evaluation: nothing of it is trained."""
    old = await orchestrator.store.read(lambda connection: read_rollout(connection, rollout_id))
    request = EvaluationRequest(
        environment=old.environment,
        split=old.split,
        first=old.task_index,
        rollouts=1,
        evaluation_id=key or new_id(),
    )
    await start(orchestrator, request, Who.bears(claims))
    (replayed,) = await orchestrator.store.read(lambda found: rollouts_of(found, request.evaluation_id))
    return Replayed(rollout_id=replayed, evaluation_id=request.evaluation_id, replays=rollout_id)


@router.delete("/{rollout_id}", summary="Cancel a rollout", responses=problems(404, 409))
async def delete_rollout(rollout_id: Id, orchestrator: TheOrchestrator, claims: Person) -> RolloutDetail:
    """It ends with cause `cancelled`; its environment is told at its next heartbeat."""
    rules = orchestrator.rules()
    trail = Audited(f"rollout/{rollout_id}", "state", None, "cancelled", Who.bears(claims))
    await orchestrator.journal.commit(audited(lambda found: cancel_rollout(found, rollout_id, rules), trail))
    return await orchestrator.store.read(lambda connection: read_rollout(connection, rollout_id))


async def _events(watchers: Watchers, environment: str | None) -> AsyncIterator[str]:
    with watchers.watching(environment) as watcher:
        yield ":\n\n"
        while True:
            try:
                event = await asyncio.wait_for(watcher.next(), _ALIVE_S)
            except TimeoutError:
                yield ":\n\n"
            else:
                yield f"data: {event.model_dump_json()}\n\n"


def _check(rollout_id: str, attempt: int, outcome: Outcome) -> None:
    """Address and body must mean the same attempt."""
    addressed = (rollout_id, attempt)
    if (outcome.rollout_id, outcome.attempt) != addressed:
        said = f"{outcome.rollout_id}/{outcome.attempt}"
        raise Refused(
            "the outcome is of another attempt than its address", field="rollout_id, attempt", value=said
        )
    size = len(str(outcome.details))
    if size > _MOST_DETAILS:
        raise Refused(
            f"details have {size} characters", field="details", remedy=f"send at most {_MOST_DETAILS}"
        )
