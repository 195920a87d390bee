"""One container as a sandbox: its init by the attached stream, its shell under that, its files."""

import asyncio
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import PurePosixPath
from shlex import quote
from typing import Self

from docker.errors import NotFound

from services.kit.failure import Missing
from services.sandbox.docker.changes import changed_paths, owned_archive, read_whiteouts, whiteouts
from services.sandbox.docker.channel import AttachedChannel
from services.sandbox.docker.engine import Engine
from services.sandbox.docker.execution import execute
from services.sandbox.docker.frames import Frames
from services.sandbox.docker.hardening import Cage
from services.sandbox.docker.watchman import Watchman
from services.sandbox.output import BoundedOutput, Flooded
from services.sandbox.port import NOBODY, BoxOverrun, SandboxFailure
from services.sandbox.shell import START_S, Shell, not_put, one_line

_TAR = ("/usr/bin/tar", "-c", "-S", "-f", "-", "-C", "/")


class DockerSandbox(Shell):
    """A container that its engine has made and not yet started."""

    def __init__(
        self, engine: Engine, container: str, channel: AttachedChannel, cage: Cage, workdir: str
    ) -> None:
        super().__init__(channel, cage.limits, workdir)
        self.container = container
        self._engine = engine
        self._attached = channel
        self._cage = cage
        self._others: set[str] = set()
        self._watchman = Watchman(engine, container, cage.limits.work_bytes)
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, engine: Engine, container: str, cage: Cage, workdir: str) -> Self:
        """Start the container and hear from its init that the hardening holds. Errors: SandboxFailure."""
        channel = AttachedChannel(await Frames.over(await engine.attached(container)))
        box = cls(engine, container, channel, cage, workdir)
        try:
            await engine.call("start", container)
            await channel.introduce()
            async with asyncio.timeout(START_S):
                said = await box._awaited("ready")
        except TimeoutError:
            channel.close()
            raise SandboxFailure(f"the container was not ready within {START_S:g} s") from None
        except BaseException:  # also when cancelled: nobody else knows this connection
            channel.close()
            raise
        if missing := cage.missing(said):
            channel.close()
            raise SandboxFailure(f"the container would not hold, what is missing: {', '.join(missing)}")
        return box

    async def furnish(self, seed: bytes, tree: bytes | None) -> Self:
        """Put files in place, and open the shell."""
        if self._cage.writable:
            await self._unpack(seed if tree is None else tree, "/")
        elif tree is not None:
            await self._replay(tree)
        await self._attached.write(b": shell\n")
        await self._awaited("shell")
        if not self._cage.writable and not self._cage.storage_quota:
            self._watching = asyncio.create_task(self._watchman.watch())
        return self

    async def put(self, archive: bytes, path: str) -> None:
        if self._cage.writable:
            await self._unpack(archive, path)
            return
        # By the engine, since what is in the box may no longer be the image's own programs.
        owner = NOBODY if self._cage.user == str(NOBODY) else 0
        there = partial(self._engine.has, self.container)
        with self._blaming_its_end():
            files = await self._engine.work(lambda: owned_archive(archive, path, owner, there))
            await self._engine.call("put_archive", self.container, "/", files)

    async def tree(self) -> bytes:
        sink = self._archive()
        if self._cage.writable:
            folders = " ".join(quote(f".{folder}") for folder in self._cage.writable)
            await self._transfer(f"{' '.join(_TAR)} {folders} 2>/dev/null", sink)
            return sink.raw()
        with self._blaming_its_end():
            written, deleted = changed_paths(await self._engine.call("diff", self.container))
            names = "\0".join(f".{path}" for path in written).encode()
            named = ("--ignore-failed-read", "--no-recursion", "--null", "-T", "-")
            code = await self._beside([*_TAR, *named], self._keeper, sink, names, errors=False)
        if code > 1:  # 1: a file changed while it was read
            raise BoxOverrun(f"the files of the sandbox cannot be read any more: its tar ended with {code}")
        return whiteouts(deleted) + sink.raw()

    async def get(self, path: str) -> bytes:
        if self._cage.writable:
            return await super().get(path)
        with self._blaming_its_end():
            found = await self._engine.work(partial(self._fetched, path))
        if found is None:
            raise Missing(f"{path} is not in the sandbox, or cannot be read", field="path", value=path)
        return found

    async def alive(self) -> bool:
        """Whether a box that waits for its rollout can still be used."""
        try:
            await self.reset()
        except SandboxFailure:
            return False
        return True

    async def close(self) -> None:
        """End its life, and return when the container is gone."""
        if self._watching is not None:
            self._watching.cancel()
        self._attached.close()
        with suppress(TimeoutError):  # the engine is slow: it goes on removing, and the reaper looks after it
            await self._engine.remove(self.container)

    async def _kill_all(self) -> None:
        for user in sorted(self._others):
            await execute(
                self._engine, self.container, ["/bin/bash", "-c", "kill -KILL -1"], user, BoundedOutput(64)
            )
        self._others.clear()
        await self._attached.write(b": reset\n")

    async def _run_as(self, user: str, command: str, sink: BoundedOutput, timeout_s: float) -> int:
        self._others.add(user)
        shell = ["/bin/bash", "--noprofile", "--norc", "-c", command]
        with self._blaming_its_end():
            async with asyncio.timeout(timeout_s):
                return await execute(self._engine, self.container, shell, user, sink, workdir=self.workdir)

    async def _status(self, sink: BoundedOutput) -> str:
        status = await self._attached.status(sink)
        if status is None:
            raise self._watchman.overrun or SandboxFailure("the sandbox ended")
        return status

    @contextmanager
    def _blaming_its_end(self) -> Iterator[None]:
        """An engine that cannot find the box any more does not know why it is gone; we do."""
        try:
            yield
        except SandboxFailure:
            if overrun := self._watchman.overrun:
                raise overrun from None
            raise

    def _fetched(self, path: str) -> bytes | None:
        try:
            chunks, _ = self._engine.api.get_archive(self.container, path)
        except NotFound:
            return None
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > self._most:
                raise self._too_much()
        return bytes(data)

    @property
    def _most(self) -> int:
        """A read-only root has a folder of that size for each that can be written."""
        return max(super()._most, (len(self._cage.writable) + 1) * self._limits.work_bytes)

    @property
    def _keeper(self) -> str:
        """Who can read and own every file: root, where it may; else the box's own user."""
        return "0" if self._cage.capabilities else self._cage.user

    async def _replay(self, tree: bytes) -> None:
        """Do to the image what was done to it in another box: delete, then write."""
        try:
            deleted, rest = read_whiteouts(tree)
        except tarfile.TarError as error:  # whoever was root in that box may have put anything there
            raise BoxOverrun(f"what was written in the other sandbox is no archive: {error}") from None
        if deleted:
            names = "\0".join(deleted).encode()
            await self._replayed(["/usr/bin/xargs", "-0", "rm", "-rf", "--"], names)
        # Folders of others, which nobody can only have written into, keep their time and mode.
        owner = ["--same-owner"] if self._cage.capabilities else ["--no-same-owner", "--no-overwrite-dir"]
        await self._replayed(["/usr/bin/tar", "-x", "-f", "-", "-C", "/", "--numeric-owner", *owner], rest)

    async def _replayed(self, arguments: list[str], data: bytes) -> None:
        """By the image's own programs, so that what they do not take is the fault of the other box."""
        sink = BoundedOutput(4096)
        code = await self._beside(arguments, self._keeper, sink, data)
        if code != 0:
            said = f"{PurePosixPath(arguments[0]).name} ended with {code}: {sink.text().strip()}"
            raise BoxOverrun(f"what was written in the other sandbox does not go into this one: {said}")

    async def _beside(
        self, arguments: list[str], user: str, sink: BoundedOutput, data: bytes, *, errors: bool = True
    ) -> int:
        try:
            async with asyncio.timeout(self._transfer_s):
                return await execute(self._engine, self.container, arguments, user, sink, data, errors=errors)
        except TimeoutError:
            raise SandboxFailure("files did not get in or out of the sandbox in time") from None
        except Flooded:
            raise self._too_much() from None

    async def _unpack(self, archive: bytes, path: str) -> None:
        sink = BoundedOutput(4096)
        try:
            async with asyncio.timeout(self._transfer_s):
                await self._attached.write(f": put {len(archive)} {one_line(path)}\n".encode() + archive)
                code = await self._awaited("put", sink)
        except (TimeoutError, Flooded):
            raise SandboxFailure("files did not get into the sandbox in time") from None
        if code != "0":
            raise not_put(path, sink.text().strip())

    async def _awaited(self, name: str, sink: BoundedOutput | None = None) -> str:
        """What comes after `name` in the status that begins with it."""
        said = sink or BoundedOutput(4096)
        while True:
            status = await self._attached.status(said)
            if status is None:
                raise SandboxFailure(f"the container ended: {said.text().strip() or 'it said nothing'}")
            word, _, rest = status.partition(" ")
            if word == name:
                return rest
