"""One child process: started, watched, started again when it dies, and never left behind."""

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_RESTARTS_IN_A_MINUTE = 5
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Command:
    """How to start a child. `ready_file` is written by the child once it serves."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    ready_file: Path | None = None


class ChildFailed(Exception):
    """A child died too often, or did not become ready; the message ends with its last log lines."""


@dataclass
class Child:
    """A process under supervision. `restarts` counts how often it died and was started again."""

    command: Command
    restarts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _deaths: list[float] = field(default_factory=list)

    async def start(self) -> None:
        """Start the process in a group of its own, so that Ctrl-C reaches only its supervisor."""
        if self.command.ready_file is not None:
            self.command.ready_file.unlink(missing_ok=True)
        with self.command.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command.arguments,
                env=dict(self.command.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # also when this process is killed
            )

    async def ready(self, timeout_s: float = 90.0) -> None:
        """Wait until the process serves. Raises ChildFailed if it does not in time."""
        end = time.monotonic() + timeout_s
        while self.command.ready_file is not None and not self.command.ready_file.exists():
            if not self.alive and self.exit_code is not None:
                raise ChildFailed(self._obituary(f"ended with status {self.exit_code} before it was ready"))
            if time.monotonic() > end:
                raise ChildFailed(self._obituary(f"was not ready after {timeout_s:.0f} s"))
            await asyncio.sleep(0.05)

    async def keep_alive(self) -> int:
        """Start the process again whenever it dies; returns 0 once it ends by itself with success.

        Raises ChildFailed if it dies more than five times within a minute.
        """
        while await self._ended() != 0:
            self._count_death()
            self.restarts += 1
            await self.start()
        return 0

    async def stop(self, patience_s: float = 10.0) -> None:
        """SIGTERM, then SIGKILL for the whole process group when patience ends."""
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), patience_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.alive:
            self._process.send_signal(number)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.returncode

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def _ended(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    def _count_death(self) -> None:
        now = time.monotonic()
        self._deaths = [death for death in self._deaths if now - death < 60] + [now]
        if len(self._deaths) > _RESTARTS_IN_A_MINUTE:
            raise ChildFailed(self._obituary(f"died {len(self._deaths)} times within a minute"))

    def _obituary(self, what: str) -> str:
        log = self.command.log_file
        tail = log.read_text(errors="replace").splitlines()[-12:] if log.exists() else []
        return "\n".join([f"{self.command.name} {what}; the end of {log}:", *tail])


def die_with_parent() -> None:
    """For a child to run before it becomes another program."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
