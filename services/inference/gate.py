"""Who may start sampling: nobody while generation is paused or weights wait for their turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Counts what is in flight. Those who find it closed wait; nobody is turned away."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._paused = False
        self._exclusive = False
        self._open, self._idle = asyncio.Event(), asyncio.Event()
        self._turn = asyncio.Lock()
        self._tell()

    @property
    def paused(self) -> bool:
        return self._paused

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Hold while sampling."""
        while self._paused or self._exclusive:
            await self._open.wait()
        self.in_flight += 1
        self._tell()
        try:
            yield
        finally:
            self.in_flight -= 1
            self._tell()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Let nobody in, and wait until everybody is out; when paused, do not wait."""
        async with self._turn:
            self._exclusive = not self._paused
            self._tell()
            try:
                if self._exclusive:
                    await self._idle.wait()
                yield
            finally:
                self._exclusive = False
                self._tell()

    def pause(self) -> None:
        self._paused = True
        self._tell()

    def resume(self) -> None:
        self._paused = False
        self._tell()

    async def idle(self) -> None:
        """Until nothing is in flight."""
        await self._idle.wait()

    def _tell(self) -> None:
        for event, holds in (
            (self._open, not (self._paused or self._exclusive)),
            (self._idle, not self.in_flight),
        ):
            if holds:
                event.set()
            else:
                event.clear()
