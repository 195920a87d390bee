"""What the learner receives: rollouts of one task with their rewards, and no tokens."""

import math
from typing import Self

import msgspec


class SealedRollout(msgspec.Struct, frozen=True):
    """One valid rollout. `repeats` is how often it counts after the group's repair (at least 1)."""

    rollout_id: str
    attempt: int
    reward: float
    components: dict[str, float]
    cause: str
    oldest_version: int
    newest_version: int
    sampled_tokens: int
    records: int
    digest: str
    repeats: int = 1


class SealedGroup(msgspec.Struct, frozen=True):
    """Rollouts of one task, sealed: nothing in it changes any more, every reward is finite."""

    group_id: str
    environment: str
    split: str
    index: int
    sealed_at: float
    rollouts: tuple[SealedRollout, ...]

    def checked(self) -> Self:
        """The group itself, or ValueError: no non-finite number enters a stream."""
        for rollout in self.rollouts:
            numbers = (rollout.reward, *rollout.components.values())
            if not all(math.isfinite(number) for number in numbers):
                raise ValueError(
                    f"group {self.group_id}: rollout {rollout.rollout_id} has a non-finite reward"
                )
            if rollout.repeats < 1:
                raise ValueError(f"group {self.group_id}: repeats {rollout.repeats} of {rollout.rollout_id}")
        if not self.rollouts:
            raise ValueError(f"group {self.group_id} has no rollouts")
        return self

    @property
    def oldest_version(self) -> int:
        return min(rollout.oldest_version for rollout in self.rollouts)
