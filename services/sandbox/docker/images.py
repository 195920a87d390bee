"""Images of boxes: built from a task's Dockerfile once for its content, or prebuilt and pulled once."""

import asyncio
import hashlib
import io
import tarfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Any

from docker.errors import APIError, BuildError, ImageNotFound, NotFound

from services.kit.failure import Refused
from services.sandbox.docker.engine import Engine
from services.sandbox.docker.hardening import HOME
from services.sandbox.docker.reaper import LABEL, ROLE, SEED, new_box
from services.sandbox.port import NOBODY, Blueprint, Limits, SandboxFailure

TASK = "podium-task"
BOX = "podium-box"
_SHOWN = 2_000
_SEEDS = 64


@dataclass(frozen=True)
class BoxImage:
    """An image on the engine, where its shell starts, the user and the volumes that it names."""

    id: str
    workdir: str
    user: str
    volumes: tuple[str, ...] = ()


@dataclass
class Images:
    """Finds, pulls and builds; the same thing never twice at once."""

    engine: Engine
    build_network: bool = True
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _seeds: OrderedDict[tuple[str, tuple[str, ...]], bytes] = field(default_factory=OrderedDict)

    async def image(self, blueprint: Blueprint, limits: Limits) -> BoxImage:
        """Errors: Refused (no Dockerfile), SandboxFailure (pull, build)."""
        if blueprint.image is not None:
            found = await self.prebuilt(blueprint.image)
        else:
            found = await self.built(blueprint.folder, limits)
        config = found["Config"] or {}
        workdir = blueprint.workdir or config.get("WorkingDir") or "/"
        volumes = tuple(sorted(config.get("Volumes") or ()))
        image = BoxImage(found["Id"], workdir, config.get("User") or "0", volumes)
        if blueprint.user is None and not blueprint.read_only_root:
            return await self._given_to_nobody(image, blueprint.writable)
        return image

    async def prebuilt(self, name: str) -> dict[str, Any]:
        """An image by its name, pulled if it is not here."""
        async with self._lock(name):
            found = await self._find(name)
            if found is None:
                await self.engine.call("pull", name, tag=None if ":" in name or "@" in name else "latest")
                found = await self._find(name)
        if found is None:
            raise SandboxFailure(f"the image {name} is not to be had")
        return found

    async def built(self, folder: Path, limits: Limits) -> dict[str, Any]:
        """The image of a folder with a Dockerfile, by the content of all its files."""
        if not (folder / "Dockerfile").is_file():
            raise Refused(f"{folder / 'Dockerfile'} is missing", field="Dockerfile", value=folder)
        digest = await self.engine.work(lambda: digest_of(folder))
        return await self._made(f"{TASK}:{digest}", limits.build_s, path=str(folder))

    async def seed(self, image: BoxImage, folders: Sequence[str], most: int) -> bytes:
        """What the image has in `folders`, as an archive for memory that is mounted over them."""
        key = image.id, tuple(folders)
        if key not in self._seeds:
            self._seeds[key] = await self.engine.work(lambda: _contents(self.engine.api, *key, most))
            while len(self._seeds) > _SEEDS:
                self._seeds.popitem(last=False)
        self._seeds.move_to_end(key)
        return self._seeds[key]

    async def _given_to_nobody(self, image: BoxImage, writable: Sequence[str]) -> BoxImage:
        """The same with its home, its work folder and what the task writes owned by nobody."""
        folders = dict.fromkeys(folder for folder in (HOME, image.workdir, *writable) if folder != "/")
        owned = " ".join(quote(folder) for folder in folders)
        place = hashlib.sha256(f"{image.id} {owned}".encode()).hexdigest()[:32]
        give = f"mkdir -p {owned} && chown -R {NOBODY}:{NOBODY} {owned}"
        text = f"FROM {image.id}\nUSER 0\nRUN {give}\n"
        found = await self._made(f"{BOX}:{place}", 300.0, fileobj=io.BytesIO(text.encode()))
        return replace(image, id=found["Id"])

    async def _made(self, tag: str, timeout_s: float, **source: object) -> dict[str, Any]:
        async with self._lock(tag):
            found = await self._find(tag)
            if found is None:
                try:
                    async with asyncio.timeout(timeout_s):
                        await self.engine.work(lambda: self._build(tag, **source))
                except TimeoutError:
                    raise SandboxFailure(f"the image was not built within {timeout_s:g} s") from None
                found = await self._find(tag)
        if found is None:
            raise SandboxFailure("the image was built, and is gone")
        return found

    def _build(self, tag: str, **source: object) -> None:
        network = None if self.build_network else "none"
        lines: list[str] = []
        for part in self.engine.api.build(
            **source, tag=tag, rm=True, forcerm=True, decode=True, network_mode=network, labels={TASK: tag}
        ):
            lines.append(str(part.get("stream", "")))
            if "error" in part:
                printed = "".join(lines)[-_SHOWN:].strip()
                raise BuildError(f"the image could not be built: {part['error']}\n{printed}", iter(()))

    async def _find(self, name: str) -> dict[str, Any] | None:
        def inspected() -> dict[str, Any] | None:
            try:
                found: dict[str, Any] = self.engine.api.inspect_image(name)
            except ImageNotFound:
                return None
            return found

        return await self.engine.work(inspected)

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


def digest_of(folder: Path) -> str:
    """Of every name, permission and byte below a folder."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder)).encode()
        if path.is_symlink():
            parts = b"link", name, str(path.readlink()).encode()
        elif path.is_file():
            parts = oct(path.stat().st_mode & 0o777).encode(), name, path.read_bytes()
        else:
            parts = b"folder", name, b""
        for part in parts:
            state.update(len(part).to_bytes(8) + part)
    return state.hexdigest()[:32]


def _contents(api: Any, image: str, folders: Sequence[str], most: int) -> bytes:
    labels = {LABEL: new_box(), ROLE: SEED}
    container = api.create_container(image, ["true"], labels=labels)["Id"]
    try:
        return _joined(_archives(api, container, folders), most)
    finally:
        api.remove_container(container, force=True, v=True)


def _archives(api: Any, container: str, folders: Sequence[str]) -> Iterator[tuple[PurePosixPath, Any]]:
    for folder in folders:
        try:
            chunks, _ = api.get_archive(container, folder)
        except NotFound:
            continue
        yield PurePosixPath(folder).parent, chunks


def _joined(archives: Iterator[tuple[PurePosixPath, Any]], most: int) -> bytes:
    """One archive whose names are paths from the root."""
    buffer, total = io.BytesIO(), 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as target:
        for parent, chunks in archives:
            spool = io.BytesIO()
            for chunk in chunks:
                total += len(chunk)
                if total > most:
                    remedy = "give the task more storage, or a root that may be written"
                    raise APIError("the image has more in its work folder than storage", explanation=remedy)
                spool.write(chunk)
            spool.seek(0)
            with tarfile.open(fileobj=spool) as source:
                for member in source:
                    member.name = f".{parent / member.name}"
                    if member.islnk():
                        member.linkname = f".{parent / member.linkname}"
                    target.addfile(member, source.extractfile(member) if member.isreg() else None)
    return buffer.getvalue()
