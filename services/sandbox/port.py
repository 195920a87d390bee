"""What a sandbox is, whoever builds it: one persistent shell over a file tree of its own.

What comes out of a sandbox in which an agent has worked is the agent's word. A verdict on it is
therefore reached in a second sandbox that starts from the first one's tree and shares nothing else.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from services.contracts.cause import Cause
from services.kit.failure import Refused, Unavailable

MIB = 1024 * 1024
NOBODY = 65534
IMAGE_USER = "image"
_HOST = re.compile(
    r"^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$", re.IGNORECASE
)


class SandboxFailure(Unavailable):
    """A sandbox could not be built or started, or died under us: no reward, and a retry may help."""

    title = "Sandbox failed"

    def __init__(self, detail: str, *, remedy: str | None = None) -> None:
        super().__init__(detail, remedy=remedy, cause=Cause.SANDBOX)


class BoxOverrun(SandboxFailure):
    """What ran in the box overran it: went beyond its limits, or broke what its owner needs there.

    So it is the doing of whoever gave the commands. If that was an agent, it is the end of its attempt:
    to try again would let a policy annul a verdict that it does not like. Who does not tell it from a
    SandboxFailure takes it for one.
    """

    title = "Sandbox overrun"
    status = 507


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


class Tier(StrEnum):
    """How far the commands of a task are trusted, and with it the boundary around them.

    `semi_trusted`: a model at work for one tenant; the machine's own kernel is the boundary.
    `hostile`: somebody who means harm; a kernel of its own is (gVisor or Kata).
    """

    SEMI_TRUSTED = "semi_trusted"
    HOSTILE = "hostile"


class NetworkMode(StrEnum):
    NONE = "none"
    PUBLIC = "public"
    ALLOWLIST = "allowlist"


@dataclass(frozen=True)
class Network:
    """What may be reached: nothing, any public address, or `hosts` (names; `*.name` for all below it).

    Errors: Refused, if hosts are given without an allowlist, or a host is no name.
    """

    mode: NetworkMode = NetworkMode.NONE
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.hosts and self.mode is not NetworkMode.ALLOWLIST:
            raise Refused(f"hosts are given, but the network is {self.mode}", field="hosts", value=self.hosts)
        for host in self.hosts:
            if not _HOST.match(host):
                remedy = "give names without scheme, port or path"
                raise Refused(f"{host!r} is no name of a host", field="hosts", value=host, remedy=remedy)


@dataclass(frozen=True)
class Blueprint:
    """What a sandbox is built from, and what its task needs. What a kind cannot do, its `check` refuses.

    `folder` has the Dockerfile, unless a prebuilt `image` takes its place. `compose` is a compose file
    whose service `main` is the sandbox; its other services run beside it, and `company` names those that
    run already (`Sandboxes.accompanied`). `user` is the shell's: a name
    or number, `IMAGE_USER` for the one that the image names, nobody if not given. With `read_only_root`
    the task permits that only the work folder, the home, /tmp and the folders of `writable` can be
    written. `labels` are for people and for finding boxes: rollout, attempt.
    """

    folder: Path
    workdir: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    compose: Path | None = None
    company: str | None = None
    network: Network = Network()
    tier: Tier = Tier.SEMI_TRUSTED
    user: str | None = None
    read_only_root: bool = False
    writable: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


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
    """One running sandbox. Every call may raise SandboxFailure, and BoxOverrun where that is the doing of
    what ran in it; calls do not overlap.
    """

    @property
    def workdir(self) -> str:
        """Where its shells start."""

    async def run(self, command: str, timeout_s: float, user: str | None = None) -> CommandResult:
        """Run `command` in the persistent shell, without standard input.

        As another `user`: in a shell of its own that starts in the work folder and ends with the command.
        Errors: Refused, where a kind has no other users.
        """

    async def reset(self) -> None:
        """Kill every process in it and start a fresh shell; its files stay."""

    async def put(self, archive: bytes, path: str) -> None:
        """Unpack a tar archive below `path`, which is made where it is missing."""

    async def tree(self) -> bytes:
        """Every file that can have been written, as a tar archive. Reset it first.

        Errors: BoxOverrun, if it would have more bytes than a box of this size can need.
        """

    async def get(self, path: str) -> bytes:
        """The file or folder at `path`, as a tar archive named by its last part.

        Errors: Missing, if there is nothing; BoxOverrun, as for `tree`.
        """


class Sandboxes(Protocol):
    """Builds and opens sandboxes of one kind."""

    async def verify(self) -> None:
        """Prove that the hardening holds here. Errors: Unavailable, naming what is missing."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """What goes on beside the boxes; a service runs it as long as it opens any."""

    def check(self, blueprint: Blueprint) -> None:
        """Refuse (with Refused) by name what this kind cannot carry out, with the remedy."""

    def accompanied(self, blueprint: Blueprint, limits: Limits) -> AbstractAsyncContextManager[Blueprint]:
        """The blueprint, for sandboxes that shall share one set of services, which run meanwhile.

        The same blueprint where it has none beside it. Errors: SandboxFailure.
        """

    def open(
        self, blueprint: Blueprint, limits: Limits, tree: bytes | None = None
    ) -> AbstractAsyncContextManager[Sandbox]:
        """A sandbox of what the blueprint builds, or with `tree` in place of the files it was built with.

        It is killed, with all that runs in it, when the context ends or when this process does.
        """
