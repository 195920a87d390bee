"""Tar archives of files, as sandboxes take them."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def empty_archive() -> bytes:
    return archive_of({})


def archive_of(files: Mapping[str, Path | bytes], folders: tuple[str, ...] = (), mode: int = 0o644) -> bytes:
    """A tar of `files`, each a path inside the archive with its content or the file to read.

    A file to read keeps its permission to execute.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for folder in folders:
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o755, 0))
        for name, source in files.items():
            data, executable = _read(source)
            tar.addfile(
                _entry(name, tarfile.REGTYPE, mode | executable, len(data)),
                io.BytesIO(data),
            )
    return buffer.getvalue()


def _read(source: Path | bytes) -> tuple[bytes, int]:
    if isinstance(source, bytes):
        return source, 0
    return source.read_bytes(), source.stat().st_mode & 0o111


def _entry(name: str, kind: bytes, mode: int, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo("./" + name.strip("/"))
    entry.type, entry.mode, entry.size = kind, mode, size
    return entry
