"""The order in which tasks are drawn: a fresh permutation every epoch, the same for the same seed."""

from dataclasses import dataclass
from functools import lru_cache
from random import Random


@dataclass(frozen=True)
class Cursor:
    """Where a split's drawing stands: `position` tasks of `epoch` are drawn."""

    epoch: int = 0
    position: int = 0


@dataclass(frozen=True)
class Curriculum:
    """Passes over tasks that were always or never solved when last tried, except every `revisit` epochs."""

    lowest: float = 0.0
    highest: float = 1.0
    revisit: int = 4

    def worth(self, last_mean_reward: float | None, epoch: int) -> bool:
        """Whether to try a task in this epoch. One that was never tried is worth it."""
        if last_mean_reward is None or epoch % self.revisit == 0:
            return True
        return self.lowest < last_mean_reward < self.highest


def draw(seed: int, environment: str, split: str, count: int, cursor: Cursor) -> tuple[int, Cursor]:
    """The next task's index among `count`, and the cursor after it. No task repeats within an epoch."""
    if cursor.position >= count:
        cursor = Cursor(cursor.epoch + 1, 0)
    order = _order(f"{seed}/{environment}/{split}/{cursor.epoch}", count)
    return order[cursor.position], Cursor(cursor.epoch, cursor.position + 1)


@lru_cache(maxsize=64)
def _order(seed: str, count: int) -> tuple[int, ...]:
    order = list(range(count))
    Random(seed).shuffle(order)
    return tuple(order)
