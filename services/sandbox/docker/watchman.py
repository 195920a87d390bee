"""Looks after what a box writes to its disk, where its engine cannot limit that itself.

It looks every second, so a box may for that long write on as fast as the disk takes it.
"""

import asyncio
from contextlib import suppress

from services.sandbox.docker.engine import Engine
from services.sandbox.port import MIB, SandboxFailure

_LOOKS_EVERY_S = 1.0


class Watchman:
    """Ends a container that holds more than `most` bytes beyond its image."""

    def __init__(self, engine: Engine, container: str, most: int) -> None:
        self._engine = engine
        self._container = container
        self._most = most
        self.ended = False

    async def watch(self) -> None:
        while not self.ended:
            await asyncio.sleep(_LOOKS_EVERY_S)
            with suppress(SandboxFailure):  # it is gone, or the engine is slow: the next look sees
                if await self._engine.work(self._size) > self._most:
                    self.ended = True
                    await self._engine.remove(self._container)

    @property
    def reason(self) -> str:
        return f"the sandbox had more on its disk than its {self._most // MIB} MiB, and was ended"

    def _size(self) -> int:
        found = self._engine.api.containers(filters={"id": self._container}, size=True)
        return int(found[0].get("SizeRw") or 0) if found else 0
