"""Carries out Dockerfiles: what they leave behind is a tree of files, a work folder and variables."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from services.sandbox.archive import archive_of
from services.sandbox.dockerfile import Copy, Dockerfile, Run
from services.sandbox.launch import Image
from services.sandbox.port import Limits, Sandbox, SandboxFailure

_FOLDERS = ("tmp", "root")


OpenBox = Callable[[Image, Limits], AbstractAsyncContextManager[Sandbox]]


@dataclass
class _Built:
    tree: bytes | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ImageBuilder:
    """Carries out Dockerfiles. Only what took a command to build is kept: the last `kept` trees."""

    def __init__(self, open_box: OpenBox, kept: int = 64) -> None:
        self._open_box = open_box
        self._kept = kept
        self._built: OrderedDict[str, _Built] = OrderedDict()

    async def image(self, dockerfile: Dockerfile, limits: Limits) -> Image:
        """Errors: SandboxFailure, with the command that failed and what it printed."""
        if not any(isinstance(step, Run) for step in dockerfile.steps):
            tree = _layer(dockerfile.steps)
        else:
            tree = await self._kept_tree(dockerfile, limits)
        return Image(tree, dockerfile.workdir, dockerfile.env)

    async def _kept_tree(self, dockerfile: Dockerfile, limits: Limits) -> bytes:
        key = _digest(dockerfile)
        built = self._built.setdefault(key, _Built())
        self._built.move_to_end(key)
        while len(self._built) > self._kept:
            self._built.popitem(last=False)
        async with built.lock:
            if built.tree is None:
                built.tree = await self._build(dockerfile.steps, limits)
            return built.tree

    async def _build(self, steps: Sequence[Copy | Run], limits: Limits) -> bytes:
        async with self._open_box(Image(_layer(()), "/", {}), limits) as box:
            for step in steps:
                if isinstance(step, Copy):
                    await box.put(_layer([step]), "/")
                else:
                    await _run(box, step, limits.build_s)
            await box.reset()
            return await box.tree()


async def _run(box: Sandbox, step: Run, timeout_s: float) -> None:
    variables = " ".join(quote(f"{name}={value}") for name, value in step.env.items())
    command = f"(cd {quote(step.workdir)} && exec env {variables} /bin/sh -c {quote(step.command)})"
    result = await box.run(command, timeout_s)
    if result.exit_code != 0:
        raise SandboxFailure(
            f"RUN {step.command} ended with {result.exit_code}: {result.output.strip()}",
            remedy="under bubblewrap RUN has no network and may not change the system; use Docker",
        )


def _layer(steps: Sequence[Copy | Run]) -> bytes:
    """One archive of all that the COPY and WORKDIR steps put in place; a later one wins."""
    files: dict[str, Path | bytes] = {}
    folders: list[str] = [*_FOLDERS]
    for step in steps:
        if isinstance(step, Copy):
            files |= step.files
            folders += step.folders
    return archive_of(files, tuple(dict.fromkeys(folders)))


def _digest(dockerfile: Dockerfile) -> str:
    state = hashlib.sha256()
    for step in dockerfile.steps:
        state.update(repr(step).encode())
        for path in step.files.values() if isinstance(step, Copy) else ():
            state.update(path.read_bytes())
    return state.hexdigest()
