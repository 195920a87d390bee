"""Evaluations: rollouts on chosen tasks that are measured and never trained."""

from collections import Counter
from typing import Literal

from pydantic import Field
from sqlalchemy import Connection, func, insert, select

from orchestrator.changes import GroupOpened
from orchestrator.lifecycle import ENDED_ROLLOUT, RolloutState
from orchestrator.opening import Plan, open_group
from orchestrator.store.tables import evaluations, groups, rollouts
from services.contracts.environment import Sampling, TaskRef
from services.contracts.words import Id, Name, Split, Word, new_id
from services.kit.failure import Missing


class EvaluationRequest(Word):
    """`POST /v1/evaluations`. With an `evaluation_id`, the same request again starts nothing twice."""

    environment: Name
    rollouts: int = Field(ge=1, le=100_000)
    sampling: Sampling | None = Field(default=None, description="default: that of training")
    split: Split = "evaluation"
    first: int = Field(default=0, ge=0, description="index of the first task")
    evaluation_id: Id = Field(default_factory=new_id)


class Evaluation(Word):
    """How an evaluation stands. `mean_reward` is over valid rollouts; the others are listed by cause."""

    evaluation_id: Id
    environment: str
    split: str
    state: Literal["running", "finished"]
    rollouts: int
    completed: int = Field(description="rollouts that ended, with a reward or without")
    valid: int
    mean_reward: float | None
    failed_by_cause: dict[str, int]
    started_at: float


def open_evaluation(
    connection: Connection, request: EvaluationRequest, tasks: int, sampling: Sampling, now: float
) -> tuple[GroupOpened, ...]:
    """Open its groups: `rollouts` tasks of the split from the first on, round and round, so always the
    same."""
    here = evaluations.c.evaluation_id == request.evaluation_id
    if connection.execute(select(evaluations.c.evaluation_id).where(here)).one_or_none():
        return ()
    connection.execute(
        insert(evaluations).values(
            evaluation_id=request.evaluation_id,
            environment=request.environment,
            split=request.split,
            rollouts=request.rollouts,
            sampling=sampling.model_dump(),
            started_at=now,
        )
    )
    sizes = Counter((request.first + number) % tasks for number in range(request.rollouts))
    return tuple(
        open_group(
            connection,
            Plan(
                environment=request.environment,
                task=TaskRef(split=request.split, index=index),
                size=size,
                purpose="evaluation",
                evaluation_id=request.evaluation_id,
                sampling=sampling,
            ),
            now,
        )
        for index, size in sorted(sizes.items())
    )


def rollouts_of(connection: Connection, evaluation_id: str) -> list[str]:
    """The ids of its rollouts."""
    found = (
        select(rollouts.c.rollout_id)
        .join_from(rollouts, groups, rollouts.c.group_id == groups.c.group_id)
        .where(groups.c.evaluation_id == evaluation_id)
    )
    return list(connection.execute(found.order_by(rollouts.c.seq)).scalars())


def read_evaluations(connection: Connection, limit: int, offset: int) -> tuple[Evaluation, ...]:
    """Newest first."""
    ids = select(evaluations.c.evaluation_id).order_by(
        evaluations.c.started_at.desc(), evaluations.c.evaluation_id
    )
    found = connection.execute(ids.limit(limit).offset(offset)).scalars().all()
    return tuple(read_evaluation(connection, evaluation_id) for evaluation_id in found)


def read_evaluation(connection: Connection, evaluation_id: str) -> Evaluation:
    """Raises Missing."""
    here = evaluations.c.evaluation_id == evaluation_id
    row = connection.execute(select(evaluations).where(here)).one_or_none()
    if row is None:
        raise Missing(f"no evaluation {evaluation_id}", field="evaluation_id", value=evaluation_id)
    counts = connection.execute(
        select(rollouts.c.state, rollouts.c.cause, func.count(), func.sum(rollouts.c.reward))
        .join_from(rollouts, groups, rollouts.c.group_id == groups.c.group_id)
        .where(groups.c.evaluation_id == evaluation_id)
        .group_by(rollouts.c.state, rollouts.c.cause)
    ).all()
    ended = [found for found in counts if found[0] in ENDED_ROLLOUT]
    valid = [found for found in ended if found[0] == RolloutState.SEALED]
    failed: Counter[str] = Counter()
    for state, cause, number, _ in ended:
        if state == RolloutState.FAILED:
            failed[cause] += number
    completed, number_valid = sum(found[2] for found in ended), sum(found[2] for found in valid)
    return Evaluation(
        evaluation_id=evaluation_id,
        environment=row.environment,
        split=row.split,
        state="finished" if completed == row.rollouts else "running",
        rollouts=row.rollouts,
        completed=completed,
        valid=number_valid,
        mean_reward=sum(found[3] for found in valid) / number_valid if valid else None,
        failed_by_cause=dict(failed),
        started_at=row.started_at,
    )
