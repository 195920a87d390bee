"""How fast containers may be started: an engine that is asked for too much at once serves nobody."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.sandbox.port import SandboxFailure


@dataclass(frozen=True)
class StartRules:
    """`failures` in a row open the circuit: nothing is started for `rest_s`; one more opens it again."""

    at_once: int = 4
    per_s: float = 20.0
    failures: int = 5
    rest_s: float = 15.0


class Starts:
    """Lets starts through, each after its turn.

    Who starts several containers that need each other asks for all of them at once: one who holds a place
    and waits for another would in the end wait for himself.
    """

    def __init__(self, rules: StartRules, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._clock = clock
        self._places = asyncio.Semaphore(rules.at_once)
        self._next = 0.0
        self._failures = 0
        self._rests_until = 0.0
        self._last = ""

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: starts fail at once."""
        return self._clock() < self._rests_until

    @asynccontextmanager
    async def one(self, containers: int = 1) -> AsyncIterator[None]:
        """A place for a box of so many. Errors: SandboxFailure while the circuit is open, with why it is."""
        self._refuse_while_open()
        async with self._places:
            self._refuse_while_open()
            await asyncio.sleep(self._wait(containers))
            try:
                yield
            except SandboxFailure as failure:
                self._failed(failure)
                raise
            self._failures = 0

    def _wait(self, containers: int) -> float:
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + containers / self._rules.per_s
        return turn - now

    def _failed(self, failure: SandboxFailure) -> None:
        self._failures += 1
        self._last = failure.detail
        if self._failures >= self._rules.failures:
            self._rests_until = self._clock() + self._rules.rest_s

    def _refuse_while_open(self) -> None:
        if self.is_open:
            rest = self._rests_until - self._clock()
            raise SandboxFailure(
                f"{self._failures} sandboxes in a row did not start, the next is tried in {rest:.0f} s;"
                f" the last said: {self._last}",
                remedy="see to the Docker Engine",
            )
