"""When a group is over: all slots have ended, enough are valid, or too few still can be."""

from dataclasses import dataclass
from typing import Literal

Fate = Literal["wait", "complete", "enough", "doomed"]
OnNoVariance = Literal["train", "replace"]


@dataclass(frozen=True)
class Grouping:
    """How groups are made up. `extra` rollouts are opened beyond a group's size; `no_variance` says what
    becomes of a group whose rewards are all alike. With `tokens_per_unit`, a group costs its sampled
    tokens in units of so many; else it costs 1."""

    extra: int = 0
    no_variance: OnNoVariance = "train"
    tokens_per_unit: int | None = None

    def cost(self, sampled_tokens: float) -> float:
        """What a group with so many sampled tokens is charged."""
        return 1.0 if self.tokens_per_unit is None else sampled_tokens / self.tokens_per_unit


def fate(valid: int, live: int, size: int) -> Fate:
    """What becomes of a group of `size` with `valid` rollouts, while `live` ones may become valid.

    `doomed`: repair takes more than half, and that can no longer be reached.
    """
    if live == 0:
        return "complete"
    if valid >= size:
        return "enough"
    return "doomed" if 2 * (valid + live) <= size else "wait"


def replaced(rewards: list[float], size: int, grouping: Grouping) -> bool:
    """Whether a group is replaced because it would teach nothing. A group of one has no variance to lose."""
    return grouping.no_variance == "replace" and size > 1 and max(rewards) == min(rewards)
