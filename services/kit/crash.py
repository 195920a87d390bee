"""Named places in a process where a test can have it killed, to prove the order of its effects."""

import os
import signal
from collections import Counter


class CrashPoints:
    """Kills the process (SIGKILL) when it comes to `<point>:<nth>` for the nth time; "" never does."""

    def __init__(self, at: str = "") -> None:
        self._point, _, nth = at.partition(":")
        self._nth = int(nth or 1)
        self._seen: Counter[str] = Counter()

    def reached(self, point: str) -> None:
        self._seen[point] += 1
        if point == self._point and self._seen[point] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)
