"""Looks after what a box writes to its disk, where its engine cannot limit that itself.

It looks every second, so a box may for that long write on as fast as the disk takes it. Files are counted
less often: an engine takes ten times as long to name them as to add up their sizes.
"""

import asyncio
from contextlib import suppress
from functools import partial
from itertools import count

from services.sandbox.docker.engine import Engine
from services.sandbox.port import MIB, BoxOverrun, SandboxFailure

_LOOKS_EVERY_S = 1.0
_COUNTS_EVERY = 5  # looks
_PATH = b'"Path":'
MOST_FILES = 200_000  # and folders, beyond the image


class Watchman:
    """Ends a container that holds more than `most` bytes or MOST_FILES beyond its image."""

    def __init__(self, engine: Engine, container: str, most: int) -> None:
        self._engine = engine
        self._container = container
        self._most = most
        self._found: str | None = None

    async def watch(self) -> None:
        for look in count(1):
            await asyncio.sleep(_LOOKS_EVERY_S)
            of_files = not look % _COUNTS_EVERY
            with suppress(SandboxFailure):  # it is gone, or the engine is slow: the next look sees
                self._found = await self._engine.work(partial(self._excess, of_files))
            if self._found is not None:
                await self._engine.remove(self._container)
                return

    @property
    def overrun(self) -> BoxOverrun | None:
        """Why it was ended, if it was."""
        if self._found is None:
            return None
        return BoxOverrun(f"the sandbox had more on its disk than {self._found}, and was ended")

    def _excess(self, of_files: bool) -> str | None:
        found = self._engine.api.containers(filters={"id": self._container}, size=True)
        size = int(found[0].get("SizeRw") or 0) if found else 0
        if size > self._most:
            return f"its {self._most // MIB} MiB"
        if of_files and self._engine.occurrences(_PATH, self._container, "changes") > MOST_FILES:
            return f"{MOST_FILES:,} files"
        return None
