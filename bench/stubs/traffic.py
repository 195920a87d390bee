"""Rollouts of many turns, each of which thinks and works as long as the rollout's id and the turn say.

The engine of stubs and the environment of stubs both know this law, so that an environment can tell how
much longer a model call took than the engine did.
"""

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Traffic:
    """Medians and `sigma` of the logarithm, of turns of a rollout and of seconds of a turn.

    A turn is one model call (`think_s`) and then one command (`work_s`).
    """

    turns: float = 10.0
    turns_sigma: float = 0.0
    most_turns: int = 200
    think_s: float = 6.0
    think_sigma: float = 0.6
    work_s: float = 2.0
    work_sigma: float = 1.2
    longest_s: float = 60.0

    def turns_of(self, rollout_id: str) -> int:
        turns = _lognormal(f"turns {rollout_id}", self.turns, self.turns_sigma)
        return min(self.most_turns, max(1, round(turns)))

    def think(self, rollout_id: str, turn: int) -> float:
        """Seconds that the engine takes for a turn."""
        return min(self.longest_s, _lognormal(f"think {turn} {rollout_id}", self.think_s, self.think_sigma))

    def work(self, rollout_id: str, turn: int) -> float:
        """Seconds that the command after it takes."""
        return min(self.longest_s, _lognormal(f"work {turn} {rollout_id}", self.work_s, self.work_sigma))


def _lognormal(key: str, median: float, sigma: float) -> float:
    """The same for the same key in every process."""
    if not sigma:
        return median
    return median * math.exp(sigma * _NORMAL.inv_cdf(fraction(key)))


def fraction(key: str) -> float:
    """A number between 0 and 1, the same whenever it is asked for."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") + 0.5) / 2**64
