"""What a sandbox is, whoever builds it: one persistent shell over a file tree of its own, and no network.

What comes out of a sandbox in which an agent has worked is the agent's word. A verdict on it is
therefore reached in a second sandbox that starts from the first one's tree and shares nothing else.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from services.contracts.cause import Cause
from services.kit.failure import Unavailable

MIB = 1024 * 1024


class SandboxFailure(Unavailable):
    """A sandbox could not be built or started, or died under us: no reward, and a retry may help."""

    title = "Sandbox failed"

    def __init__(self, detail: str, *, remedy: str | None = None) -> None:
        super().__init__(detail, remedy=remedy, cause=Cause.SANDBOX)


@dataclass(frozen=True)
class Limits:
    """What a sandbox may use.

    `cpu_s` is of one process. Where no control group can be made, `memory_bytes` is too, and `cpus`
    does not hold.
    """

    work_bytes: int = 64 * MIB
    memory_bytes: int = 512 * MIB
    processes: int = 64
    cpus: float = 1.0
    cpu_s: int = 300
    open_files: int = 256
    output_bytes: int = 16 * 1024
    build_s: float = 600.0


@dataclass(frozen=True)
class Blueprint:
    """What a sandbox is built from: a folder with a Dockerfile, and what overrides it."""

    folder: Path
    workdir: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CommandResult:
    """What a command printed (both streams) and its exit code; 124 when it ran out of time.

    After a timeout, or when the command ended the shell itself, a fresh shell has taken its place.
    """

    output: str
    exit_code: int
    truncated: bool = False
    timed_out: bool = False


class Sandbox(Protocol):
    """One running sandbox. Every call may raise SandboxFailure; calls do not overlap."""

    async def run(self, command: str, timeout_s: float) -> CommandResult:
        """Run `command` in the persistent shell, without standard input."""

    async def reset(self) -> None:
        """Kill every process in it and start a fresh shell; its files stay."""

    async def put(self, archive: bytes, path: str) -> None:
        """Unpack a tar archive below `path`, which is made where it is missing."""

    async def tree(self) -> bytes:
        """Every file that can have been written, as a tar archive of bounded size. Reset it first."""


class Sandboxes(Protocol):
    """Builds and opens sandboxes of one kind."""

    def check(self, blueprint: Blueprint) -> None:
        """Refuse (with Refused) a build that this kind cannot carry out."""

    def workdir(self, blueprint: Blueprint) -> str:
        """Where the shell starts."""

    def open(
        self, blueprint: Blueprint, limits: Limits, tree: bytes | None = None
    ) -> AbstractAsyncContextManager[Sandbox]:
        """A sandbox of what the blueprint builds, or with `tree` in place of the files it was built with.

        It is killed, with all that runs in it, when the context ends or when this process does.
        """
