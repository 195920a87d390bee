"""Which engine serves a rollout: consistent hashing with bounded load at first, sticky afterwards."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil

import xxhash

SLACK = 1.25


def choose(key: str, engines: Sequence[str], loads: Mapping[str, int]) -> str:
    """The engine that ranks first for `key` among those not above `SLACK` times the mean load.

    Ranks are rendezvous hashes: an engine that comes or goes moves only the keys that rank it first.
    """
    bound = ceil(SLACK * (sum(loads[engine] for engine in engines) + 1) / len(engines))
    ranked = sorted(engines, key=lambda engine: _rank(key, engine), reverse=True)
    return next(engine for engine in ranked if loads[engine] < bound)


def _rank(key: str, engine: str) -> int:
    return xxhash.xxh3_64_intdigest(f"{key}\n{engine}".encode())


class Placements:
    """The table of placed rollouts. A rollout moves only when its engine is no longer offered."""

    def __init__(self) -> None:
        self._engine_of: dict[str, str] = {}
        self._show: Callable[[str, int], object] = lambda engine, load: None
        self.loads: Counter[str] = Counter()

    def shown_by(self, show: Callable[[str, int], object]) -> None:
        """Have `show(engine, load)` called whenever a load changes."""
        self._show = show

    def engine_for(self, key: str, engines: Sequence[str], before: str | None = None) -> str:
        """One of `engines` (at least one); `before` is where the rollout was until we forgot it."""
        placed = self._engine_of.get(key, before)
        if placed not in engines:
            placed = choose(key, engines, self.loads)
        assert placed is not None
        if self._engine_of.get(key) != placed:
            self.release(key)
            self._engine_of[key] = placed
            self._add(placed, 1)
        return placed

    def release(self, key: str) -> None:
        """Forget a rollout."""
        placed = self._engine_of.pop(key, None)
        if placed is not None:
            self._add(placed, -1)

    def _add(self, engine: str, change: int) -> None:
        self.loads[engine] += change
        self._show(engine, self.loads[engine])
