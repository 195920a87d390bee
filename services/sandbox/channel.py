"""Three pipes to the shell of a sandbox: commands in, output out, and status lines beside the output."""

import asyncio
import os

from services.sandbox.output import BoundedOutput, Flooded

_CHUNK = 65536


class PipeChannel:
    """Owns its ends of the pipes."""

    def __init__(self, commands: int, output: int, statuses: int) -> None:
        self._commands, self._output, self._status_pipe = commands, output, statuses
        self._partial = b""
        self._gone = False
        self._statuses: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        for end in (commands, output, statuses):
            os.set_blocking(end, False)
        self._loop.add_reader(statuses, self._read_status)

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._commands, view) :]
            except BlockingIOError:
                await self._room()
            except BrokenPipeError:
                return

    async def status(self, sink: BoundedOutput) -> str | None:
        flood: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._output, self._read_output, sink, flood)
        next_status = asyncio.ensure_future(self._statuses.get())
        try:
            await asyncio.wait((next_status, flood), return_when=asyncio.FIRST_COMPLETED)
            if not next_status.done():
                raise Flooded
            return next_status.result()
        finally:
            next_status.cancel()
            self._loop.remove_reader(self._output)
            self._drain(sink)

    def forget(self) -> None:
        while not self._statuses.empty() and not self._gone:
            self._statuses.get_nowait()

    def line(self, command: str, name: str) -> bytes:
        return f"{command}; echo {name} $? >&3\n".encode()

    def close(self) -> None:
        self._loop.remove_reader(self._status_pipe)
        for end in (self._commands, self._output, self._status_pipe):
            os.close(end)

    async def _room(self) -> None:
        writable: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_writer(self._commands, resolve, writable)
        try:
            await writable
        finally:
            self._loop.remove_writer(self._commands)

    def _read_status(self) -> None:
        data = os.read(self._status_pipe, _CHUNK)
        if not data:
            self._loop.remove_reader(self._status_pipe)
            self._gone = True
            self._statuses.put_nowait(None)
            return
        *lines, self._partial = (self._partial[-_CHUNK:] + data).split(b"\n")
        for line in lines:
            self._statuses.put_nowait(line.decode(errors="replace"))

    def _read_output(self, sink: BoundedOutput, flood: asyncio.Future[None]) -> None:
        data = os.read(self._output, _CHUNK)
        sink.add(data)
        if not data or sink.flooded:
            self._loop.remove_reader(self._output)
        if sink.flooded:
            resolve(flood)

    def _drain(self, sink: BoundedOutput) -> None:
        """What lies in the pipe now; whoever writes on cannot hold us here."""
        for _ in range(16):
            try:
                data = os.read(self._output, _CHUNK)
            except BlockingIOError:
                return
            sink.add(data)
            if len(data) < _CHUNK:
                return


def resolve(future: asyncio.Future[None]) -> None:
    """Wake whoever waits; a callback may come twice."""
    if not future.done():
        future.set_result(None)
