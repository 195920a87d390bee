"""What an agent left of its repository: the files as data, whatever it did to the rest of its sandbox."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from shlex import quote

from services.kit.failure import Missing
from services.sandbox.archive import archive_of
from services.sandbox.port import MIB, Sandbox

_MOST_FILES = 50_000  # files, folders and links
_MOST_BYTES = 256 * MIB  # what its own sandbox holds
_SIZE = "find {folder} -printf '%y %s\\n' | "
_SIZE += 'awk \'$1 == "f" {{ size += $2 }} END {{ printf "%.0f %d", size, NR }}\''
_TOO_MUCH = b""
_QUICK_S = 60.0


class Unusable(Exception):
    """The agent left what nothing can be graded of; the text is a label."""


async def remains_of(sandbox: Sandbox, workdir: str) -> bytes:
    """The repository as an archive, once every process of the agent is dead.

    Files that it made unreadable are read all the same; a repository that is gone is an empty one; one that
    is too large (a file with holes takes no room where it is) is not read at all.
    """
    await sandbox.reset()
    await sandbox.run(f"chmod -R u+rwX {quote(workdir)}", _QUICK_S)
    if await _is_too_much(sandbox, workdir):
        return _TOO_MUCH
    try:
        return await sandbox.get(workdir)
    except Missing:
        return archive_of({})


async def _is_too_much(sandbox: Sandbox, workdir: str) -> bool:
    """As its own programs tell: who lies about it has no more than a failure to win."""
    said = await sandbox.run(_SIZE.format(folder=quote(workdir)), _QUICK_S)
    size, _, files = said.output.strip().partition(" ")
    if not (size.isdecimal() and files.isdecimal()):
        return False
    return int(size) > _MOST_BYTES or int(files) > _MOST_FILES


def files_of(remains: bytes) -> bytes:
    """What lies below the folder that comes first, without any `.git`, as an archive of its own.

    Nothing in it lies outside, or behind a link. It has its folders too, so that whoever unpacks it owns
    them. Errors: Unusable.
    """
    if remains == _TOO_MUCH:
        raise Unusable("too_many_files")
    buffer = io.BytesIO()
    links: set[PurePosixPath] = set()
    files = size = 0
    with (
        tarfile.open(fileobj=io.BytesIO(remains)) as source,
        tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as target,
    ):
        for entry, path in _below(source):
            files, size = files + 1, size + entry.size
            if files > _MOST_FILES or size > _MOST_BYTES:
                raise Unusable("too_many_files")
            if links & {path, *path.parents}:
                continue
            if entry.issym():
                links.add(path)
            _copy(source, target, entry, path)
    return buffer.getvalue()


def _below(source: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, PurePosixPath]]:
    root = None
    for entry in source:
        path = PurePosixPath(entry.name.removeprefix("./").strip("/"))
        root = root or path
        if path.is_relative_to(root) and path != root and not {"..", ".git"} & set(path.parts):
            yield entry, path.relative_to(root)


def _copy(
    source: tarfile.TarFile, target: tarfile.TarFile, entry: tarfile.TarInfo, path: PurePosixPath
) -> None:
    copy = tarfile.TarInfo(f"./{path}")
    if entry.issym():
        copy.type, copy.linkname = tarfile.SYMTYPE, entry.linkname
        target.addfile(copy)
    elif entry.isdir():
        copy.type, copy.mode = tarfile.DIRTYPE, 0o755
        target.addfile(copy)
    elif entry.isreg() or entry.islnk():
        data = source.extractfile(entry)
        content = data.read() if data is not None else b""
        copy.mode, copy.size = 0o755 if entry.mode & 0o100 else 0o644, len(content)
        target.addfile(copy, io.BytesIO(content))
