"""How attempts move and end, in SQL: accepted, reported, scored, or failed and tried again."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from orchestrator.attempt_record import record_attempt
from orchestrator.changes import Changes, RolloutMoved
from orchestrator.completion import Freshness, complete_group
from orchestrator.fate import Grouping
from orchestrator.lifecycle import IN_ENVIRONMENT, RolloutState, advance
from orchestrator.sealing import Score
from orchestrator.store.tables import Record, attempts, holds, rollouts, transcripts
from services.contracts.cause import Cause
from services.contracts.outcome import Outcome
from services.kit.failure import Conflict, Missing

_KEEP_TRANSCRIPT = insert(transcripts)


@dataclass(frozen=True)
class Rules:
    """What decides about a failed attempt and a complete group, at one moment."""

    now: float
    max_attempts: int
    freshness: Freshness
    grouping: Grouping = field(default_factory=Grouping)


@dataclass(frozen=True)
class Ending:
    """Why an attempt ended without a reward that counts. One that has left `leaving` stays as it is."""

    cause: Cause
    error: str
    leaving: frozenset[RolloutState] = IN_ENVIRONMENT


class Fenced(Conflict):
    """A writer that was overtaken: its attempt has ended, or a newer one runs."""

    title = "Fenced"


def accept(connection: Connection, rollout_id: str, attempt: int, now: float) -> Changes:
    """The environment has taken the attempt."""
    row = advance(connection, rollout_id, attempt, RolloutState.RUNNING, {"started_at": now})
    return () if row is None else (_moved(row, rollout_id, attempt, RolloutState.RUNNING),)


def report(connection: Connection, outcome: Outcome, rules: Rules) -> Changes:
    """Record an outcome; the same one again changes nothing.

    Raises Missing for a rollout that never was, Fenced for one whose attempt is over.
    """
    rollout_id, attempt = outcome.rollout_id, outcome.attempt
    if outcome.cause.reward_valid:
        told = outcome.model_dump(include={"reward", "components", "turns", "seconds", "cause"})
        row = advance(connection, rollout_id, attempt, RolloutState.REPORTED, told)
        if row is not None:
            record_attempt(connection, row.environment, _reported(outcome, rules.now))
            return (_moved(row, rollout_id, attempt, RolloutState.REPORTED),)
    else:
        error = outcome.error or f"the environment reported '{outcome.cause}'"
        changes = fail(connection, rollout_id, attempt, Ending(outcome.cause, error), rules, outcome)
        if changes:
            return changes
    _check_repeated(connection, outcome)
    return ()


def score(connection: Connection, rollout_id: str, attempt: int, scored: Score, rules: Rules) -> Changes:
    """The records of a reported attempt are complete: keep its messages, and close its group if it can."""
    row = advance(connection, rollout_id, attempt, RolloutState.SCORED, scored.columns())
    if row is None:
        return ()
    key = {"rollout_id": rollout_id, "attempt": attempt}
    connection.execute(_KEEP_TRANSCRIPT, {**key, **scored.transcript()})
    completed = complete_group(connection, row.group_id, rules.freshness, rules.grouping, rules.now)
    return (_moved(row, rollout_id, attempt, RolloutState.SCORED), *completed)


def fail(
    connection: Connection,
    rollout_id: str,
    attempt: int,
    ending: Ending,
    rules: Rules,
    outcome: Outcome | None = None,
) -> Changes:
    """An attempt has failed: the next one if that can help, else the slot has ended."""
    cause = ending.cause
    again = cause.retry and attempt < rules.max_attempts and not _drains(connection, rollout_id)
    values: dict[str, Any] = {"reward": None, "components": None}
    if again:
        to = RolloutState.QUEUED
        values |= {"attempt": attempt + 1, "cause": None}
    else:
        to = RolloutState.FAILED
        values |= {"cause": cause, "error": ending.error, "ended_at": rules.now}
    row = advance(connection, rollout_id, attempt, to, values, ending.leaving)
    if row is None:
        return ()
    ended = {} if outcome is None else _reported(outcome, rules.now)
    ended |= {"rollout_id": rollout_id, "attempt": attempt, "ended_at": rules.now}
    record_attempt(
        connection, row.environment, {**ended, "cause": cause, "error": ending.error, "retried": again}
    )
    if again:
        return (_moved(row, rollout_id, attempt + 1, to, retried=cause),)
    moved = _moved(row, rollout_id, attempt, to, cause=cause)
    return (moved, *complete_group(connection, row.group_id, rules.freshness, rules.grouping, rules.now))


def _drains(connection: Connection, rollout_id: str) -> bool:
    """Whether nothing of its group is to be tried again."""
    said = select(holds.c.state).join(rollouts, rollouts.c.group_id == holds.c.group_id)
    return connection.execute(said.where(rollouts.c.rollout_id == rollout_id)).scalar() == "draining"


def _check_repeated(connection: Connection, outcome: Outcome) -> None:
    """An outcome that moved nothing must be one that is on the record already."""
    here = (attempts.c.rollout_id == outcome.rollout_id, attempts.c.attempt == outcome.attempt)
    known = connection.execute(
        select(attempts.c.reported_cause, attempts.c.reward).where(*here)
    ).one_or_none()
    if known is not None and known == (outcome.cause, outcome.reward):
        return
    row = connection.execute(
        select(rollouts.c.attempt, rollouts.c.state).where(rollouts.c.rollout_id == outcome.rollout_id)
    ).one_or_none()
    if row is None:
        raise Missing(f"no rollout {outcome.rollout_id}", field="rollout_id", value=outcome.rollout_id)
    raise Fenced(
        f"attempt {outcome.attempt} of this rollout is over: it is {row.state} at attempt {row.attempt}",
        remedy="discard this outcome",
    )


def _reported(outcome: Outcome, now: float) -> dict[str, Any]:
    """What the record keeps of an outcome, whatever we make of it later."""
    told = outcome.model_dump()
    return {**told, "reported_cause": outcome.cause, "retried": False, "ended_at": now}


def _moved(
    row: Record,
    rollout_id: str,
    attempt: int,
    state: RolloutState,
    cause: Cause | None = None,
    retried: Cause | None = None,
) -> RolloutMoved:
    return RolloutMoved(
        rollout_id=rollout_id,
        group_id=row.group_id,
        environment=row.environment,
        purpose=row.purpose,
        attempt=attempt,
        state=state,
        cause=cause,
        retried=retried,
    )
