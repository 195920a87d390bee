"""A connection to a process in a container: raw bytes in, frames out."""

import asyncio
import socket
from typing import Self

_CHUNK = 65536
_ERRORS = 2


class Frames:
    """Docker puts eight bytes before each frame: of which stream it is, and how many follow."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._left = 0
        self.of_errors = False

    @classmethod
    async def over(cls, connection: socket.socket) -> Self:
        """Owns the socket from now on."""
        connection.setblocking(False)
        if connection.family == socket.AF_UNIX:
            return cls(*await asyncio.open_unix_connection(sock=connection))
        return cls(*await asyncio.open_connection(sock=connection))

    async def write(self, data: bytes) -> None:
        """A connection that is gone is noticed when it is read."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            return

    def write_end(self) -> None:
        """The process reads to the end of its input."""
        try:
            self._writer.write_eof()
        except OSError:
            return

    async def read(self) -> bytes:
        """Some bytes of either stream; none when the connection ends. `of_errors` tells of which."""
        try:
            while self._left == 0:
                head = await self._reader.readexactly(8)
                self.of_errors, self._left = head[0] == _ERRORS, int.from_bytes(head[4:])
            data = await self._reader.read(min(_CHUNK, self._left))
        except (ConnectionError, asyncio.IncompleteReadError):
            return b""
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._writer.close()
