"""The stream of an attached container: what it prints, and between NULs what its init and shell say."""

import secrets

from services.sandbox.docker.frames import Frames
from services.sandbox.output import BoundedOutput, Flooded

_LONGEST_STATUS = 512


class AttachedChannel:
    """Read only while somebody waits for a status, so that a flood stops at its source."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._word = secrets.token_hex(8)
        self._mark = f"\0{self._word} ".encode()
        self._pending = b""

    async def introduce(self) -> None:
        """Tell the init the word that its statuses begin with."""
        await self.write(f"{self._word}\n".encode())

    async def write(self, data: bytes) -> None:
        await self._frames.write(data)

    async def status(self, sink: BoundedOutput) -> str | None:
        while (status := self._take(sink)) is None:
            data = await self._frames.read()
            if not data:
                sink.add(self._pending)
                self._pending = b""
                return None
            self._pending += data
        return status

    def forget(self) -> None:
        """Nothing to drop: a status that comes late has a name that nobody waits for."""

    def line(self, command: str, name: str) -> bytes:
        return f"{command}; printf '\\0%s %s %s\\0' {self._word} {name} $? >&3\n".encode()

    def close(self) -> None:
        self._frames.close()

    def _take(self, sink: BoundedOutput) -> str | None:
        """A whole status out of what has come; what was printed before it goes into the sink."""
        start = self._pending.find(self._mark)
        if start < 0:
            self._pour(sink, len(self._pending) - _beginning(self._pending, self._mark))
            return None
        self._pour(sink, start)
        end = self._pending.find(b"\0", len(self._mark))
        if end < 0 and len(self._pending) < _LONGEST_STATUS:
            return None
        status = self._pending[len(self._mark) : end]
        self._pending = self._pending[end + 1 :]
        return status.decode(errors="replace")

    def _pour(self, sink: BoundedOutput, count: int) -> None:
        sink.add(self._pending[:count])
        self._pending = self._pending[count:]
        if sink.flooded:
            raise Flooded


def _beginning(data: bytes, mark: bytes) -> int:
    """How many bytes at the end of `data` may be the beginning of `mark`."""
    for count in range(min(len(mark) - 1, len(data)), 0, -1):
        if data.endswith(mark[:count]):
            return count
    return 0
