"""What a commit changed, as data: the live state and the counts follow from these and nothing else."""

from dataclasses import dataclass
from typing import Literal

from orchestrator.lifecycle import GroupState, RolloutState
from services.contracts.cause import Cause
from services.contracts.environment import Sampling, TaskRef
from services.contracts.words import Purpose


@dataclass(frozen=True)
class OpenedRollout:
    """A slot of a group: one rollout, at its newest attempt."""

    rollout_id: str
    group_id: str
    slot: int
    attempt: int = 1
    state: RolloutState = RolloutState.QUEUED


@dataclass(frozen=True)
class GroupOpened:
    """A group is on the record, with its rollouts."""

    group_id: str
    environment: str
    task: TaskRef
    purpose: Purpose
    sampling: Sampling | None
    rollouts: tuple[OpenedRollout, ...]
    state: GroupState = GroupState.OPEN
    cost: float = 1.0


@dataclass(frozen=True)
class RolloutMoved:
    """A rollout is in another state, or at another attempt (`retried` says why)."""

    rollout_id: str
    group_id: str
    environment: str
    purpose: Purpose
    attempt: int
    state: RolloutState
    cause: Cause | None = None
    retried: Cause | None = None
    reward: float | None = None


@dataclass(frozen=True)
class GroupMoved:
    """A group is in another state. `reason` says why it was dropped.

    `cost` is what it is charged, `correction` how much of that this move added; `reward_std` and
    `sampled_tokens` are those of its valid rollouts, once that is known.
    """

    group_id: str
    environment: str
    purpose: Purpose
    state: GroupState
    reason: str | None = None
    mean_reward: float | None = None
    staleness: int | None = None
    cost: float = 1.0
    correction: float = 0.0
    reward_std: float | None = None
    sampled_tokens: int | None = None


@dataclass(frozen=True)
class GroupHeld:
    """A person has said how an open group goes on: see `orchestrator.hold`."""

    group_id: str
    environment: str
    state: Literal["active", "paused", "draining"]
    deadline_s: float | None


Change = GroupOpened | RolloutMoved | GroupMoved | GroupHeld
Changes = tuple[Change, ...]
