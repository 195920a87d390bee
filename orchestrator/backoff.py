"""Waiting longer after each failure in a row."""

import random
import time
from collections.abc import Callable


class Backoff:
    """Doubles from `first_s` up to `most_s`, with jitter; a success ends it."""

    def __init__(self, first_s: float, most_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._clock = clock
        self._failures = 0
        self._until = float("-inf")

    @property
    def waiting(self) -> bool:
        return self._clock() < self._until

    def failed(self, at_least_s: float = 0.0) -> None:
        """Count a failure, unless the wait after the last one still goes on."""
        if self.waiting:
            return
        wait = min(self._most_s, self._first_s * 2**self._failures)
        self._failures = min(self._failures + 1, 30)
        self._until = self._clock() + max(at_least_s, wait * random.uniform(0.75, 1.25))

    def succeeded(self) -> None:
        self._failures = 0
        self._until = float("-inf")
