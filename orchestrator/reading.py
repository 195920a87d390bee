"""What the record tells of rollouts and groups."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, select

from orchestrator.lifecycle import GroupState, RolloutState
from orchestrator.messages import Message, Tool
from orchestrator.sealing import CallSummary
from orchestrator.store.tables import Record, attempts, groups, rollouts, transcripts
from services.contracts.cause import Cause
from services.contracts.outcome import Artifact
from services.contracts.words import Word
from services.kit.failure import Missing


class RolloutSummary(Word):
    """One rollout in a list."""

    rollout_id: str
    group_id: str
    environment: str
    purpose: str
    slot: int
    attempt: int
    state: RolloutState
    cause: Cause | None
    reward: float | None
    error: str | None
    turns: int | None
    seconds: float | None
    sampled_tokens: int | None
    oldest_version: int | None
    newest_version: int | None
    repeats: int | None = Field(description="how often it counts in its group; 0 if that was dropped")
    opened_at: float
    started_at: float | None
    ended_at: float | None


class AttemptView(Word):
    """How one attempt ended: what its environment reported, and what it counts as."""

    attempt: int
    cause: Cause
    reported_cause: Cause | None
    retried: bool
    reward: float | None
    error: str | None
    turns: int | None
    seconds: float | None
    ended_at: float
    components: dict[str, float] | None
    details: dict[str, Any] | None
    labels: tuple[str, ...] | None = Field(description="suspected hacks, as its environment named them")
    artifacts: tuple[Artifact, ...] | None = Field(description="files that it left for people")


class CallTokens(Word):
    """One model call's ids: `prompt_ids` are those that it added to its parent's sequence."""

    call_id: str
    prompt_ids: tuple[int, ...]
    sampled_ids: tuple[int, ...]
    rollout_logprobs: tuple[float, ...]
    prompt_pieces: tuple[str, ...] | None = Field(default=None, description="what each id adds to the text")
    sampled_pieces: tuple[str, ...] | None = None


class RolloutDetail(RolloutSummary):
    """One rollout, whole."""

    split: str
    task_index: int
    components: dict[str, float] | None
    records: int | None
    digest: str | None
    attempts: tuple[AttemptView, ...]
    messages: tuple[Message, ...] = Field(description="so far, if it still runs")
    tools: tuple[Tool, ...]
    calls: tuple[CallSummary, ...]
    tokens: tuple[CallTokens, ...] | None = None


class RolloutPage(Word):
    """Rollouts, newest first; `next` is what to pass as `after` for more."""

    rollouts: tuple[RolloutSummary, ...]
    next: str | None


class GroupSummary(Word):
    """One group in a list."""

    group_id: str
    environment: str
    split: str
    task_index: int
    purpose: str
    evaluation_id: str | None
    size: int
    state: GroupState
    reason: str | None = Field(description="why it was dropped")
    mean_reward: float | None
    reward_std: float | None = Field(description="over its unique valid rollouts; 0 teaches nothing")
    sampled_tokens: int | None
    cost: float = Field(description="what its environment was charged, in groups")
    oldest_version: int | None
    step: int | None
    staleness: int | None
    opened_at: float
    sealed_at: float | None
    ended_at: float | None


class GroupDetail(GroupSummary):
    """One group with its rollouts, by slot."""

    rollouts: tuple[RolloutSummary, ...]


class GroupPage(Word):
    """Groups, newest first; `next` is what to pass as `after` for more."""

    groups: tuple[GroupSummary, ...]
    next: str | None


@dataclass(frozen=True)
class RolloutFilter:
    """Which rollouts; None: any. `dead`: only those that failed at every attempt they had."""

    environment: str | None = None
    state: RolloutState | None = None
    cause: Cause | None = None
    group_id: str | None = None
    dead: bool = False


@dataclass(frozen=True)
class GroupFilter:
    """Which groups; None: any."""

    environment: str | None = None
    state: GroupState | None = None
    purpose: str | None = None


def read_rollouts(
    connection: Connection, wanted: RolloutFilter, limit: int, after: str | None
) -> RolloutPage:
    """One page of rollouts."""
    question = select(rollouts).order_by(rollouts.c.seq.desc()).limit(limit + 1)
    for name in ("environment", "state", "cause", "group_id"):
        if (value := getattr(wanted, name)) is not None:
            question = question.where(rollouts.c[name] == value)
    if wanted.dead:  # what can be tried again fails for good only when no attempt is left
        again = [cause for cause in Cause if cause.retry]
        question = question.where(rollouts.c.state == RolloutState.FAILED, rollouts.c.cause.in_(again))
    if after is not None:
        before = select(rollouts.c.seq).where(rollouts.c.rollout_id == after).scalar_subquery()
        question = question.where(rollouts.c.seq < before)
    rows = connection.execute(question).all()
    page = tuple(RolloutSummary.model_validate(_fields(row, RolloutSummary)) for row in rows[:limit])
    return RolloutPage(rollouts=page, next=page[-1].rollout_id if len(rows) > limit else None)


def read_rollout(connection: Connection, rollout_id: str) -> RolloutDetail:
    """One rollout with its attempts and messages. Raises Missing."""
    row = connection.execute(
        select(rollouts, groups.c.split, groups.c.task_index)
        .join_from(rollouts, groups, rollouts.c.group_id == groups.c.group_id)
        .where(rollouts.c.rollout_id == rollout_id)
    ).one_or_none()
    if row is None:
        raise Missing(f"no rollout {rollout_id}", field="rollout_id", value=rollout_id)
    ended = connection.execute(
        select(attempts).where(attempts.c.rollout_id == rollout_id).order_by(attempts.c.attempt)
    )
    kept = connection.execute(select(transcripts).where(transcripts.c.rollout_id == rollout_id)).one_or_none()
    return RolloutDetail.model_validate(
        {
            **_fields(row, RolloutDetail),
            "attempts": [_fields(attempt, AttemptView) for attempt in ended],
            "messages": kept.messages if kept else (),
            "tools": kept.tools if kept else (),
            "calls": kept.calls if kept else (),
        }
    )


def read_groups(connection: Connection, wanted: GroupFilter, limit: int, after: str | None) -> GroupPage:
    """One page of groups."""
    question = select(groups).order_by(groups.c.seq.desc()).limit(limit + 1)
    for name, value in vars(wanted).items():
        if value is not None:
            question = question.where(groups.c[name] == value)
    if after is not None:
        before = select(groups.c.seq).where(groups.c.group_id == after).scalar_subquery()
        question = question.where(groups.c.seq < before)
    rows = connection.execute(question).all()
    page = tuple(GroupSummary.model_validate(_fields(row, GroupSummary)) for row in rows[:limit])
    return GroupPage(groups=page, next=page[-1].group_id if len(rows) > limit else None)


def read_group(connection: Connection, group_id: str) -> GroupDetail:
    """One group. Raises Missing."""
    row = connection.execute(select(groups).where(groups.c.group_id == group_id)).one_or_none()
    if row is None:
        raise Missing(f"no group {group_id}", field="group_id", value=group_id)
    slots = connection.execute(
        select(rollouts).where(rollouts.c.group_id == group_id).order_by(rollouts.c.slot)
    )
    return GroupDetail.model_validate(
        {**_fields(row, GroupDetail), "rollouts": [_fields(slot, RolloutSummary) for slot in slots]}
    )


def _fields(row: Record, kind: type[Word]) -> dict[str, Any]:
    """The columns of a row that a model has fields for."""
    return {name: value for name, value in row._asdict().items() if name in kind.model_fields}
