"""Sandboxes by bubblewrap: for semi-trusted commands on a bare Linux machine, in milliseconds."""

import asyncio
import logging
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Self

from services.kit.failure import Refused, Unavailable
from services.sandbox.archive import empty_archive
from services.sandbox.cgroup import BoxGroup, Cgroups
from services.sandbox.channel import PipeChannel, resolve
from services.sandbox.dockerfile import Dockerfile
from services.sandbox.image import ImageBuilder
from services.sandbox.launch import SYSTEM, Image, Launched, launch
from services.sandbox.output import BoundedOutput
from services.sandbox.port import (
    MIB,
    Blueprint,
    BoxOverrun,
    Limits,
    NetworkMode,
    Sandbox,
    SandboxFailure,
    Tier,
)
from services.sandbox.probe import PROBE, missing_hardening
from services.sandbox.seccomp import filter_program
from services.sandbox.shell import START_S, Shell

_USE_DOCKER = "use Docker for this task"
_WHOLE = "the memory and the CPU of a sandbox as a whole"
_DELEGATE = "delegate a control group to this user (systemd: Delegate=yes), or use Docker for sandboxes"
# Folders that every box has and that nothing can be written into.
_NOT_OWN = "--anchored " + " ".join(f"--exclude=.{path}" for path in (*SYSTEM, "/etc", "/proc", "/dev"))
_log = logging.getLogger(__name__)


class BubblewrapSandbox(Shell):
    """One box: an init that only we can stop, a shell under it, and a tree in memory."""

    def __init__(
        self,
        launched: Launched,
        limits: Limits,
        workdir: str,
        group: BoxGroup | None,
        blame: type[SandboxFailure] = SandboxFailure,
    ) -> None:
        """`blame`: whose doing it is if the tree does not fit."""
        self._pipes = PipeChannel(launched.commands, launched.output, launched.statuses)
        super().__init__(self._pipes, limits, workdir)
        self._process = launched.process
        self._group = group
        self._blame = blame
        self._init_pid = 0

    async def start(self) -> Self:
        """Wait for the init, then let it unpack its tree and open the shell."""
        sink = BoundedOutput(4096)
        try:
            async with asyncio.timeout(START_S):
                status = await self._channel.status(sink)
                while status is not None and status != "ready":
                    self._note_pid(status)
                    status = await self._channel.status(sink)
        except TimeoutError:
            raise SandboxFailure(f"bubblewrap was not ready within {START_S:g} s: {sink.text()}") from None
        if status is None or not self._init_pid:
            raise SandboxFailure(f"bubblewrap did not start: {sink.text().strip() or 'it said nothing'}")
        if self._group is not None:
            self._group.add(self._init_pid)
        self._prefer_for_the_kernel_to_kill()
        await self._channel.write(b"go\n")
        await self._unpacked()
        return self

    async def tree(self) -> bytes:
        sink = self._archive()
        await self._transfer(f"/usr/bin/tar -c -S -f - --one-file-system {_NOT_OWN} -C / . 2>/dev/null", sink)
        return sink.raw()

    async def close(self) -> None:
        """Kill the init, and with it all that runs in the box; returns when nothing is left."""
        with suppress(ProcessLookupError):
            os.kill(self._init_pid or self._process.pid, signal.SIGKILL)
        try:
            await _exited(self._process.pid, 5.0)
        except TimeoutError:
            self._process.kill()
        finally:
            self._process.wait()
            self._pipes.close()

    async def _unpacked(self) -> None:
        sink = BoundedOutput(4096)
        try:
            async with asyncio.timeout(self._transfer_s):
                status = await self._status(sink)
        except TimeoutError:
            raise SandboxFailure("the files of the sandbox were not unpacked in time") from None
        if status != "unpacked 0":
            size = f"work_bytes = {self._limits.work_bytes // MIB} MiB"
            raise self._blame(f"the files do not go into a sandbox of {size}: {sink.text().strip()}")

    async def _kill_all(self) -> None:
        os.kill(self._init_pid, signal.SIGUSR1)

    async def _run_as(self, user: str, command: str, sink: BoundedOutput, timeout_s: float) -> int:
        raise Refused(f"user {user}: bubblewrap has none but nobody", field="user", remedy=_USE_DOCKER)

    def _note_pid(self, line: str) -> None:
        if match := re.search(r'"child-pid": (\d+)', line):
            self._init_pid = int(match[1])

    def _prefer_for_the_kernel_to_kill(self) -> None:
        """When memory runs out, the machine kills boxes before anything else."""
        with suppress(OSError):
            Path(f"/proc/{self._init_pid}/oom_score_adj").write_text("1000")


class BubblewrapSandboxes:
    """Opens boxes. Images are built from Dockerfiles where that needs no network, and kept by content."""

    def __init__(self, require_cgroups: bool = False) -> None:
        self._require_cgroups = require_cgroups
        self._seccomp = filter_program()
        self._cgroups = Cgroups.find()
        self._builder = ImageBuilder(self._bare)
        self._dockerfiles: dict[Path, Dockerfile] = {}

    async def verify(self) -> None:
        """Prove on a box that the hardening holds. Errors: Unavailable, naming what is missing."""
        try:
            async with self._bare(Image(empty_archive(), "/", {}), Limits()) as box:
                report = (await box.run(PROBE, 20.0)).output
        except (SandboxFailure, OSError) as error:
            raise Unavailable(
                f"sandboxes cannot be had here: {error}",
                remedy="allow unprivileged user namespaces, or use Docker for sandboxes",
            ) from None
        if missing := missing_hardening(report):
            raise Unavailable(f"sandboxes would not hold here, what is missing: {', '.join(missing)}")
        if not self.whole_boxes_limited:
            self._without_cgroups()

    def _without_cgroups(self) -> None:
        """A visible decision (docs/decisions/0009). Errors: Unavailable, where they are required."""
        if self._require_cgroups:
            raise Unavailable(f"sandboxes would not hold here, what is missing: {_WHOLE}", remedy=_DELEGATE)
        _log.warning(
            "no control groups can be made here: each process of a sandbox is limited, but not %s (%s)",
            _WHOLE,
            _DELEGATE,
        )

    @property
    def whole_boxes_limited(self) -> bool:
        """Whether memory and CPU are limited for a box as a whole, not for each of its processes."""
        return self._cgroups is not None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    def check(self, blueprint: Blueprint) -> None:
        refuse_beyond_bubblewrap(blueprint)
        self._dockerfile(blueprint.folder)

    @asynccontextmanager
    async def accompanied(self, blueprint: Blueprint, limits: Limits) -> AsyncIterator[Blueprint]:
        yield blueprint

    @asynccontextmanager
    async def open(
        self, blueprint: Blueprint, limits: Limits, tree: bytes | None = None
    ) -> AsyncIterator[Sandbox]:
        refuse_beyond_bubblewrap(blueprint)
        dockerfile = self._dockerfile(blueprint.folder)
        built = await self._builder.image(dockerfile, limits)
        image = Image(
            built.tree if tree is None else tree,
            blueprint.workdir or dockerfile.workdir,
            {**built.env, **blueprint.env},
        )
        async with self._bare(image, limits, SandboxFailure if tree is None else BoxOverrun) as box:
            yield box

    def _dockerfile(self, folder: Path) -> Dockerfile:
        if folder not in self._dockerfiles:
            self._dockerfiles[folder] = Dockerfile.read(folder)
        return self._dockerfiles[folder]

    @asynccontextmanager
    async def _bare(
        self, image: Image, limits: Limits, blame: type[SandboxFailure] = SandboxFailure
    ) -> AsyncIterator[BubblewrapSandbox]:
        with self._cgroups.holding(limits) if self._cgroups else nullcontext() as group:
            try:
                launched = launch(limits, image, self._seccomp)
            except OSError as error:
                raise SandboxFailure(f"bubblewrap did not start: {error}") from error
            box = BubblewrapSandbox(launched, limits, image.workdir, group, blame)
            try:
                yield await box.start()
            finally:
                await asyncio.shield(box.close())


def refuse_beyond_bubblewrap(blueprint: Blueprint) -> None:
    """Errors: Refused, naming the field that takes Docker."""
    wanted = {
        "image": blueprint.image,
        "compose": blueprint.compose,
        "user": blueprint.user,
        "network": None if blueprint.network.mode is NetworkMode.NONE else blueprint.network.mode,
        "tier": None if blueprint.tier is Tier.SEMI_TRUSTED else blueprint.tier,
    }
    for name, value in wanted.items():
        if value is not None:
            detail = f"{blueprint.folder}: {name} = {value} is not to be had under bubblewrap"
            raise Refused(detail, field=name, value=value, remedy=_USE_DOCKER)


async def _exited(pid: int, timeout_s: float) -> None:
    """Wait for a child's end without a thread or a signal handler."""
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(pid)
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, resolve, ended)
    try:
        await asyncio.wait_for(ended, timeout_s)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
