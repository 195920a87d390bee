"""The generations of one request, and the bell that rings when one has news."""

import asyncio

from services.inference.cpu.generation import Generation
from services.kit.failure import Unavailable


class Flight:
    """Waits without polling; whoever has news wakes it."""

    def __init__(self, generations: list[Generation]) -> None:
        self.generations = generations
        self._bell = asyncio.Event()
        self._failed = False

    @property
    def finished(self) -> bool:
        return all(one.finish is not None for one in self.generations)

    async def news(self) -> None:
        await self._bell.wait()
        self._bell.clear()
        if self._failed:
            raise Unavailable("the engine stopped while it was sampling", remedy="start the process again")

    def wake(self) -> None:
        self._bell.set()

    def fail(self) -> None:
        self._failed = True
        self._bell.set()
