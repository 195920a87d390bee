"""Group-relative advantages: how much better than its group each rollout was.

GLM-5, section 4.1: A_i = r_i - mean(r), without a division by the standard deviation. The report does
not say how repeated rollouts enter the mean; here the baseline is taken over the unique ones, and a
repeat only weighs more in the loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from learner.samples import Sample


@dataclass(frozen=True)
class ScoredSample:
    """A sample with the advantage of its rollout and how often the rollout counts."""

    sample: Sample
    advantage: float
    weight: float


def has_variance(rewards: Sequence[float]) -> bool:
    """Whether a group of these rewards can teach anything."""
    return min(rewards) != max(rewards)


def group_advantages(rewards: Sequence[float], *, normalise_std: bool = False) -> list[float]:
    """Advantages of a group's unique rollouts; with `normalise_std` divided by their deviation (GRPO)."""
    mean = fmean(rewards)
    scale = pstdev(rewards, mean) if normalise_std and has_variance(rewards) else 1.0
    return [(reward - mean) / scale for reward in rewards]
