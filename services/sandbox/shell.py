"""The persistent shell of a sandbox, over whatever channel leads to it."""

import asyncio
from pathlib import PurePosixPath
from shlex import quote
from typing import Protocol

from services.kit.failure import Missing
from services.sandbox.output import BoundedOutput, Flooded
from services.sandbox.port import MIB, BoxOverrun, CommandResult, Limits, SandboxFailure

START_S = 20.0
TRANSFER_S = 60.0
TIMED_OUT = 124
KILLED = 137
_TRANSFERRED_PER_S = 16 * MIB


class Channel(Protocol):
    """Leads to a shell and its init. `None` as a status means that the other side is gone."""

    async def write(self, data: bytes) -> None:
        """Send bytes, waiting for room. A closed pipe is noticed by the next status."""

    async def status(self, sink: BoundedOutput) -> str | None:
        """The next status, collecting output meanwhile. Errors: Flooded."""

    def forget(self) -> None:
        """Drop statuses that nobody waits for any more."""

    def line(self, command: str, name: str) -> bytes:
        """What makes the shell carry out one line and then say `name` with its exit code."""


class Shell:
    """What a sandbox can do through its shell; a kind adds how all of it is killed."""

    def __init__(self, channel: Channel, limits: Limits, workdir: str) -> None:
        self._channel = channel
        self._limits = limits
        self.workdir = workdir
        self._sequence = 0

    async def run(self, command: str, timeout_s: float, user: str | None = None) -> CommandResult:
        sink = BoundedOutput(self._limits.output_bytes)
        plain = command.replace("\0", "").encode(errors="replace").decode()
        try:
            if user is not None:
                exit_code = await self._run_as(user, plain, sink, timeout_s)
            else:
                # `command`, since plain eval corrupts bash 5.2's heap on an unterminated "$(".
                line = f"command eval {one_line(plain)} </dev/null 3>&-"
                exit_code = await self._execute(line, sink, timeout_s)
        except TimeoutError:
            await self.reset()
            return CommandResult(sink.text(), TIMED_OUT, sink.truncated, timed_out=True)
        except Flooded:
            await self.reset()
            return CommandResult(sink.text(), KILLED, truncated=True)
        return CommandResult(sink.text(), exit_code, sink.truncated)

    async def reset(self) -> None:
        sink = BoundedOutput(4096)
        self._channel.forget()
        try:
            async with asyncio.timeout(START_S):
                await self._kill_all()
                while await self._status(sink) != "reset":
                    pass
                await self._finished(await self._send("true"), sink, or_ended=False)
        except (TimeoutError, ProcessLookupError):
            raise SandboxFailure("the sandbox does not answer any more") from None

    async def put(self, archive: bytes, path: str) -> None:
        make = f"[[ -d {quote(path)} ]] || /usr/bin/mkdir -p {quote(path)}"
        unpack = f"/usr/bin/tar -x -f - -C {quote(path)} --no-same-owner --no-overwrite-dir"
        line = f"{make}; /usr/bin/head -c {len(archive)} | {unpack}"
        sink = BoundedOutput(4096)
        if await self._transfer(line, sink, archive) != 0:
            raise not_put(path, sink.text().strip())

    async def get(self, path: str) -> bytes:
        folder, name = str(PurePosixPath(path).parent), PurePosixPath(path).name or "."
        sink = self._archive()
        line = f"/usr/bin/tar -c -S -f - -C {quote(folder)} -- {quote(name)} 2>/dev/null"
        if await self._transfer(line, sink) != 0:
            raise Missing(f"{path} is not in the sandbox, or cannot be read", field="path", value=path)
        return sink.raw()

    @property
    def _most(self) -> int:
        """Bytes of the largest archive that a box of this size can need: its files, and as much for names."""
        return 4 * self._limits.work_bytes

    @property
    def _transfer_s(self) -> float:
        return TRANSFER_S + self._limits.work_bytes / _TRANSFERRED_PER_S

    def _archive(self) -> BoundedOutput:
        """A sink for an archive, which is of no use unless it is whole."""
        return BoundedOutput(self._most, flood=self._most)

    async def _kill_all(self) -> None:
        """Kill every process but the init, which then starts a shell and says `reset`."""
        raise NotImplementedError

    async def _run_as(self, user: str, command: str, sink: BoundedOutput, timeout_s: float) -> int:
        """The exit code of a command as another user. Errors: Refused, TimeoutError, Flooded."""
        raise NotImplementedError

    async def _transfer(self, line: str, sink: BoundedOutput, data: bytes = b"") -> int:
        try:
            return await self._execute(line, sink, self._transfer_s, data)
        except TimeoutError:
            raise SandboxFailure("files did not get in or out of the sandbox in time") from None
        except Flooded:
            raise self._too_much() from None

    def _too_much(self) -> BoxOverrun:
        size, most = self._limits.work_bytes // MIB, self._most // MIB
        return BoxOverrun(f"an archive of its files has more than {most} MiB, in a box of {size} MiB")

    async def _execute(self, line: str, sink: BoundedOutput, timeout_s: float, data: bytes = b"") -> int:
        """The exit code of a line of shell, which may read `data`. Errors: TimeoutError, Flooded."""
        self._channel.forget()
        async with asyncio.timeout(timeout_s):
            return await self._finished(await self._send(line, data), sink, or_ended=True)

    async def _send(self, line: str, data: bytes = b"") -> str:
        """The name under which the shell will say that the line is done."""
        self._sequence += 1
        name = str(self._sequence)
        await self._channel.write(self._channel.line(line, name) + data)
        return name

    async def _finished(self, awaited: str, sink: BoundedOutput, *, or_ended: bool) -> int:
        """The exit code of that line, or of the shell if the line ended it."""
        while True:
            name, _, code = (await self._status(sink)).partition(" ")
            if (name == awaited or (or_ended and name == "ended")) and code.isdigit():
                return int(code)

    async def _status(self, sink: BoundedOutput) -> str:
        status = await self._channel.status(sink)
        if status is None:
            raise SandboxFailure("the sandbox ended")
        return status


def not_put(path: str, said: str) -> SandboxFailure:
    """That there is no room is the doing of what ran in the box: what it was built from had room."""
    kind = BoxOverrun if "No space left" in said else SandboxFailure
    return kind(f"files could not be put into {path}: {said}")


def one_line(text: str) -> str:
    """The text as one word of bash on one line."""
    if "\n" not in text:
        return quote(text)
    return "$'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
