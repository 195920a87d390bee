"""Artifacts of a step: the files that a task wants to have collected, out of the sandbox an agent left."""

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import PurePosixPath
from shlex import quote

from environments.terminal.harbor.tables import ArtifactTable
from services.kit.failure import Missing
from services.sandbox.port import Sandbox, SandboxFailure

_QUICK_S = 20.0
_NOWHERE = "/nowhere"  # links are judged by their names alone


@dataclass(frozen=True)
class Found:
    """An artifact that there was: an archive of its source, named by the source's last part."""

    artifact: ArtifactTable
    archive: bytes


@dataclass(frozen=True)
class _Piece:
    """A file, a folder or a link."""

    kind: bytes
    mode: int
    target: str = ""
    data: bytes = b""


async def found(sandbox: Sandbox, artifacts: Sequence[ArtifactTable]) -> list[Found]:
    """Whole sources as they are now, with what the image brought. Errors: SandboxFailure."""
    there: list[Found] = []
    for artifact in artifacts:
        try:
            there.append(Found(artifact, await _fetched(sandbox, artifact.source)))
        except Missing:
            continue
    return there


async def put_in_place(sandbox: Sandbox, artifacts: Sequence[Found], root: str | None) -> None:
    """Each where it lay; a folder takes the place of what the sandbox has there, as in Harbor."""
    folders = [f"/{one.artifact.source.strip('/')}" for one in artifacts if _is_folder(one)]
    if places := " ".join(quote(folder) for folder in folders if folder != "/"):
        await sandbox.run(f"rm -rf -- {places}", _QUICK_S, root)
    if files := for_verifier(artifacts):
        await sandbox.put(files, "/")


def for_verifier(artifacts: Sequence[Found]) -> bytes | None:
    """A tar archive of files, folders and links that stay inside; None if there is nothing.

    Where two artifacts claim one place, the first has it.
    """
    return _archive(
        (_path(one.artifact.source, rest), piece) for one in artifacts for rest, piece in _pieces(one)
    )


def for_people(artifacts: Sequence[Found]) -> bytes | None:
    """A tar archive of regular files alone, each at its artifact's `destination`, if it has one."""
    return _archive(
        (_path(one.artifact.destination or one.artifact.source, rest), piece)
        for one in artifacts
        for rest, piece in _pieces(one)
        if piece.kind == tarfile.REGTYPE
    )


def _archive(pieces: Iterable[tuple[str, _Piece]]) -> bytes | None:
    placed: dict[str, _Piece] = {}
    for place, piece in pieces:
        if not any(_is_link(placed.get(str(parent))) for parent in PurePosixPath(place).parents):
            placed.setdefault(place, piece)
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for place, piece in placed.items():
            entry = tarfile.TarInfo(f"./{place}")
            entry.type, entry.linkname, entry.mode = piece.kind, piece.target, piece.mode
            entry.size = len(piece.data)
            tar.addfile(entry, BytesIO(piece.data))
    return buffer.getvalue() if placed else None


def _is_link(piece: _Piece | None) -> bool:
    """Nothing is put through a link that another artifact brought."""
    return piece is not None and piece.kind == tarfile.SYMTYPE


async def _fetched(sandbox: Sandbox, source: str) -> bytes:
    """A box whose own tar does the work fails at what its user may not read; that can be his own doing."""
    try:
        return await sandbox.get(source)
    except Missing:
        path = quote(source)
        readable = await sandbox.run(f"[ -e {path} ] && chmod -R u+rwX -- {path}", _QUICK_S)
        if readable.exit_code != 0:
            raise
        return await sandbox.get(source)


def _is_folder(one: Found) -> bool:
    with tarfile.open(fileobj=BytesIO(one.archive), mode="r:") as archive:
        first = archive.next()
    return first is not None and first.isdir()


def _pieces(one: Found) -> Iterator[tuple[str, _Piece]]:
    """What the artifact takes, each with its path below the source; "" is the source."""
    try:
        with tarfile.open(fileobj=BytesIO(one.archive), mode="r:") as archive:
            for member in archive:
                rest = "/".join(PurePosixPath(member.name).parts[1:])
                if not any(_excluded(rest, pattern) for pattern in one.artifact.exclude):
                    yield from ((rest, piece) for piece in _piece(archive, member, rest))
    except (tarfile.TarError, KeyError) as error:
        raise SandboxFailure(
            f"{one.artifact.source} did not come out of the sandbox whole: {error}"
        ) from None


def _piece(archive: tarfile.TarFile, member: tarfile.TarInfo, rest: str) -> Iterator[_Piece]:
    """None for a device, a pipe, and a link that leads out."""
    if member.isreg() or member.islnk():  # a file that has several names becomes several files
        file = archive.extractfile(member)
        yield _Piece(tarfile.REGTYPE, member.mode & 0o755, data=file.read() if file else b"")
    elif member.isdir():
        yield _Piece(tarfile.DIRTYPE, 0o755)
    elif rest and _stays_inside(member, rest):
        yield _Piece(tarfile.SYMTYPE, 0o777, member.linkname)


def _stays_inside(member: tarfile.TarInfo, rest: str) -> bool:
    if not member.issym():
        return False
    try:
        tarfile.data_filter(member.replace(name=rest), _NOWHERE)
    except tarfile.FilterError:
        return False
    return True


def _excluded(path: str, pattern: str) -> bool:
    """As tar does it: a pattern fits some part of a path, and with a folder all that is in it."""
    parts = path.split("/")
    runs = ("/".join(parts[a:b]) for a in range(len(parts)) for b in range(a + 1, len(parts) + 1))
    return any(fnmatchcase(run, pattern) for run in runs)


def _path(root: str, rest: str) -> str:
    return str(PurePosixPath(root.lstrip("/")) / rest)
