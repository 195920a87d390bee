"""Where the time of a run goes: seconds by phase, over all its sessions."""

import time
from collections.abc import Callable, Mapping


class Clock:
    """Runs from its making on; every second belongs to one phase. `before`: what earlier sessions took."""

    def __init__(self, before: Mapping[str, float], now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = dict(before)
        self._now = now
        self._phase, self._since = "starting", now()

    def enter(self, phase: str) -> None:
        """What comes now belongs to `phase`."""
        self._seconds = self.read()
        self._phase, self._since = phase, self._now()

    def read(self) -> dict[str, float]:
        """Seconds by phase until now, in the order of the phases."""
        passed = self._now() - self._since
        return {**self._seconds, self._phase: self._seconds.get(self._phase, 0.0) + passed}
