"""What is still there once everything has ended: processes, sandboxes and files."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil

from services.sandbox.cgroup import groups_of
from services.sandbox.docker.engine import Engine
from services.sandbox.docker.reaper import boxes_left

_PATIENCE_S = 3.0


def files_in(*folders: Path) -> frozenset[str]:
    """Every path below these folders."""
    return frozenset(
        os.path.join(place, name)
        for folder in folders
        for place, below, names in os.walk(folder)
        for name in (*below, *names)
    )


def leftovers(before: frozenset[str], *folders: Path, docker: bool = False) -> list[str]:
    """Processes that this one started, boxes that it opened, and files that were not there before.

    Errors: Unavailable, if there is no Docker Engine to be asked.
    """
    started = psutil.Process().children(recursive=True)
    psutil.wait_procs(started, timeout=_PATIENCE_S)  # what is about to end is not left
    containers = _containers() if docker else []
    return [*_processes(), *groups_of(os.getpid()), *containers, *sorted(files_in(*folders) - before)]


def _processes() -> Iterator[str]:
    for process in psutil.Process().children(recursive=True):
        yield f"process {process.pid}: {process.name()}"


def _containers() -> list[str]:
    with closing(Engine()) as engine:
        return boxes_left(engine)
