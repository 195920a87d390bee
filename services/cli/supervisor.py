"""Keeps a run's processes alive, measures their memory, and ends them all."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence

from services.cli.child import Child, Command
from services.cli.memory import tree_bytes

_MEMORY_PERIOD_S = 5.0


class Supervisor:
    """Children in the order of their start; they are stopped in the opposite order."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.children = {command.name: Child(command) for command in commands}
        self.peak_memory_bytes = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All children started and ready; on leaving, none is left."""
        try:
            for child in self.children.values():
                await child.start()
            for child in self.children.values():
                await child.ready()
            yield
        finally:
            await self.stop()

    async def watch(self) -> None:
        """Restart whatever dies, until cancelled. Raises ChildFailed for one that keeps dying."""
        async with asyncio.TaskGroup() as tasks:
            for child in self.children.values():
                tasks.create_task(child.keep_alive())
            tasks.create_task(self._measure_memory())

    async def stop(self) -> None:
        for child in reversed(self.children.values()):
            await child.stop()

    @property
    def restarts(self) -> dict[str, int]:
        return {name: child.restarts for name, child in self.children.items() if child.restarts}

    async def _measure_memory(self) -> None:
        while True:
            used = await asyncio.to_thread(tree_bytes, os.getpid())
            self.peak_memory_bytes = max(self.peak_memory_bytes, used)
            await asyncio.sleep(_MEMORY_PERIOD_S)
