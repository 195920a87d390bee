"""Looks after what a box writes to its disk, where its engine cannot limit that itself.

It looks every second, so a box may for that long write on as fast as the disk takes it.
"""

import asyncio
from contextlib import suppress
from itertools import count

from services.sandbox.docker.engine import Engine
from services.sandbox.port import MIB, BoxOverrun, SandboxFailure

_LOOKS_EVERY_S = 1.0
_COUNTS_EVERY = 10  # looks: the engine has to name every file to us
_FEWEST_FILES = 262_144
_BYTES_A_FILE = 4096


class Watchman:
    """Ends a container that holds more than `most` bytes, or too many files, beyond its image."""

    def __init__(self, engine: Engine, container: str, most: int) -> None:
        self._engine = engine
        self._container = container
        self._most = most
        self._most_files = max(_FEWEST_FILES, most // _BYTES_A_FILE)
        self._found: str | None = None

    async def watch(self) -> None:
        for look in count(1):
            await asyncio.sleep(_LOOKS_EVERY_S)
            with suppress(SandboxFailure):  # it is gone, or the engine is slow: the next look sees
                self._found = await self._engine.work(self._excess)
                if self._found is None and look % _COUNTS_EVERY == 0:
                    self._found = await self._engine.work(self._excess_of_files)
            if self._found is not None:
                await self._engine.remove(self._container)
                return

    @property
    def overrun(self) -> BoxOverrun | None:
        """Why it was ended, if it was."""
        if self._found is None:
            return None
        return BoxOverrun(f"the sandbox had more on its disk than {self._found}, and was ended")

    def _excess(self) -> str | None:
        found = self._engine.api.containers(filters={"id": self._container}, size=True)
        size = int(found[0].get("SizeRw") or 0) if found else 0
        return f"its {self._most // MIB} MiB" if size > self._most else None

    def _excess_of_files(self) -> str | None:
        """Files without content have no size, but an engine's disk has only so many."""
        files = self._engine.count_changes(self._container)
        return f"its {self._most_files} files" if files > self._most_files else None
