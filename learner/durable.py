"""Folders that appear whole or not at all, also when the process or the machine dies on the way."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.kit.failure import Conflict

_PART = ".part"


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `target` once everything in it is on disk."""
    part = target.with_name(target.name + _PART)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    yield part
    for file in (*part.rglob("*"), part):
        _sync(file)
    part.rename(target)
    _sync(target.parent)


def sweep(parent: Path) -> None:
    """Remove what a killed writer left behind."""
    for part in parent.glob("*" + _PART):
        shutil.rmtree(part)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone. Raises Conflict if another one holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"another learner works in {folder}", remedy="stop it, or give this one a folder of its own"
            ) from None
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
