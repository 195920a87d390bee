"""What a box changed in its image, as an archive: files as they are, and whiteouts for what it deleted.

A whiteout is an empty file named `.wh.NAME`, as in the layers of images; all of them come first.
"""

import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

_MARK = ".wh."
_DELETED = 2
_PRELOADED = "/etc/ld.so.preload"  # stays behind: it would put a library of the agent into every program
_MOUNTED = ("/dev", "/proc", "/sys", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/.dockerenv")


def changed_paths(changes: Sequence[dict[str, Any]] | None) -> tuple[list[str], list[str]]:
    """Paths that were written and paths that were deleted, as the engine lists them."""
    paths = [(str(change["Path"]), change["Kind"]) for change in changes or ()]
    own = [(path, kind) for path, kind in paths if not _mounted(path) and path != _PRELOADED]
    return [path for path, kind in own if kind != _DELETED], [path for path, kind in own if kind == _DELETED]


def whiteouts(deleted: Sequence[str]) -> bytes:
    """The beginning of an archive."""
    paths = [PurePosixPath(path) for path in deleted]
    entries = [tarfile.TarInfo(f".{path.parent / (_MARK + path.name)}") for path in paths]
    return b"".join(entry.tobuf(tarfile.GNU_FORMAT) for entry in entries)


def read_whiteouts(tree: bytes) -> tuple[list[str], bytes]:
    """The paths that an archive deletes, and the rest of it. Errors: tarfile.TarError."""
    deleted: list[str] = []
    with tarfile.open(fileobj=io.BytesIO(tree)) as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if not path.name.startswith(_MARK):
                return deleted, tree[member.offset :]
            deleted.append(f"/{path.parent / path.name.removeprefix(_MARK)}")
    return deleted, tarfile.NUL * tarfile.RECORDSIZE


def owned_archive(archive: bytes, path: str, owner: int, there: Callable[[str], bool]) -> bytes:
    """The same files below `path`, all of one owner; folders that are `there` stay as they are."""
    buffer = io.BytesIO()
    root = path.strip("/")
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as source,
        tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as target,
    ):
        for member in _folders(root):
            if not there(f"/{member.name}"):
                target.addfile(_owned(member, owner))
        for member in source:
            member.name = _placed(root, member.name)
            if member.islnk():
                member.linkname = _placed(root, member.linkname)
            if not (member.isdir() and there(f"/{member.name}")):
                data = source.extractfile(member) if member.isreg() else None
                target.addfile(_owned(member, owner), data)
    return buffer.getvalue()


def _placed(root: str, name: str) -> str:
    return str(PurePosixPath(f"{root}/{name}")).strip("/")


def _owned(member: tarfile.TarInfo, owner: int) -> tarfile.TarInfo:
    member.uid = member.gid = owner
    member.uname = member.gname = ""
    return member


def _folders(root: str) -> list[tarfile.TarInfo]:
    parts = PurePosixPath(root).parts
    folders = [tarfile.TarInfo("/".join(parts[: count + 1])) for count in range(len(parts))]
    for folder in folders:
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    return folders


def _mounted(path: str) -> bool:
    return any(path == mount or path.startswith(f"{mount}/") for mount in _MOUNTED)
