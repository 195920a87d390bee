"""The one place where what happened becomes an outcome: a reward, or a failure with its cause."""

import asyncio
import traceback

from environments.family import Progress, Scored
from services.contracts.cause import Cause
from services.contracts.environment import LiveRollout
from services.contracts.outcome import Outcome
from services.kit.failure import Failure

_ERROR_CHARACTERS = 8_000


def outcome_of(ref: LiveRollout, work: asyncio.Task[Scored], progress: Progress, stopping: bool) -> Outcome:
    """What to report of finished `work`. `stopping`: the service goes down, so another attempt can help."""
    if work.cancelled():
        return _failure(ref, progress, *_interrupted(stopping))
    error = work.exception()
    if error is None:
        return _scored(ref, progress, work.result())
    return _failure(ref, progress, _cause(error), _text(error))


def _interrupted(stopping: bool) -> tuple[Cause, str]:
    if stopping:
        return Cause.ENVIRONMENT, "the environment service is stopping"
    return Cause.CANCELLED, "cancelled"


def _cause(error: BaseException) -> Cause:
    cause = error.cause if isinstance(error, Failure) else None
    return cause or Cause.ENVIRONMENT


def _text(error: BaseException) -> str:
    if isinstance(error, Failure):
        return f"{error.detail} ({error.remedy})" if error.remedy else error.detail
    return "".join(traceback.format_exception(error))


def _scored(ref: LiveRollout, progress: Progress, scored: Scored) -> Outcome:
    return Outcome(
        rollout_id=ref.rollout_id,
        attempt=ref.attempt,
        cause=scored.cause,
        reward=scored.reward,
        components=scored.components,
        turns=progress.turns,
        seconds=progress.seconds,
        details=scored.details,
        labels=scored.labels,
        artifacts=scored.artifacts,
    )


def _failure(ref: LiveRollout, progress: Progress, cause: Cause, error: str) -> Outcome:
    return Outcome(
        rollout_id=ref.rollout_id,
        attempt=ref.attempt,
        cause=cause,
        error=error[-_ERROR_CHARACTERS:],
        turns=progress.turns,
        seconds=progress.seconds,
    )
