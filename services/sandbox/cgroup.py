"""Limits on a whole box, where this machine lets us make control groups; version 1 and version 2.

Without them the limits of `ulimit` remain, which hold each process (and the number of processes).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from services.sandbox.port import Limits, SandboxFailure

_ROOT = Path("/sys/fs/cgroup")
_PREFIX = "podium-box-"
_PERIOD_US = 100_000
# Of the whole process: two `Cgroups` in it must never give the same name.
_numbers = count()
_held: set[Path] = set()


@dataclass(frozen=True)
class Cgroups:
    """Folders below which groups can be made: one in version 2, one for each controller in version 1."""

    parents: tuple[Path, ...]

    @classmethod
    def find(cls) -> "Cgroups | None":
        """Those of this machine, after sweeping what killed services left; None if we may not make any."""
        parents = tuple(_version_1() or _version_2())
        groups = cls(parents)
        if not parents or not groups._usable():
            return None
        _sweep(parents)
        return groups

    @contextmanager
    def holding(self, limits: Limits) -> Iterator["BoxGroup"]:
        """A group for one box, removed when all of the box is gone."""
        name = f"{_PREFIX}{os.getpid()}-{next(_numbers)}"
        group = BoxGroup(tuple(parent / name for parent in self.parents))
        try:
            group.make(limits)
            yield group
        finally:
            group.remove()

    def _usable(self) -> bool:
        try:
            with self.holding(Limits()) as group:
                return group.holds_memory_and_processes()
        except (OSError, SandboxFailure):
            return False


@dataclass(frozen=True)
class BoxGroup:
    folders: tuple[Path, ...]

    def make(self, limits: Limits) -> None:
        try:
            for folder in self.folders:
                folder.mkdir()
                for name, value in _values(limits).items():
                    if (folder / name).exists():
                        (folder / name).write_text(value)
        except OSError as error:
            raise SandboxFailure(f"no control group could be made for the box: {error}") from error

    def add(self, pid: int) -> None:
        """Put a process in, and with it all that it starts from now on."""
        try:
            for folder in self.folders:
                (folder / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            raise SandboxFailure(f"the box could not be limited: {error}") from error

    def remove(self) -> None:
        """Remove what the kernel lets go of now; it may hold a group for a moment after its last process."""
        _held.update(self.folders)
        for folder in tuple(_held):
            with suppress(OSError):
                folder.rmdir()
            if not folder.exists():
                _held.discard(folder)

    def holds_memory_and_processes(self) -> bool:
        names = {path.name for folder in self.folders for path in folder.iterdir()}
        return "pids.max" in names and bool({"memory.max", "memory.limit_in_bytes"} & names)


def _values(limits: Limits) -> dict[str, str]:
    """File and value, of both versions; files in the work folder count as memory too."""
    memory = str(limits.memory_bytes + limits.work_bytes)
    quota = int(limits.cpus * _PERIOD_US)
    return {
        "pids.max": str(limits.processes),
        "memory.max": memory,
        "memory.swap.max": "0",
        "cpu.max": f"{quota} {_PERIOD_US}",
        "memory.limit_in_bytes": memory,
        "cpu.cfs_quota_us": str(quota),
    }


def _own_paths() -> dict[str, str]:
    """Our group in each hierarchy: the controllers of version 1 by name, version 2 as ''."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return {names: path for _, names, path in (line.split(":", 2) for line in lines)}


def _version_1() -> list[Path]:
    """Below our own groups, so that what limits us limits the boxes too."""
    own = _own_paths()
    if not all(name in own and (_ROOT / name).is_dir() for name in ("memory", "pids")):
        return []
    return [_ROOT / name / own[name].strip("/") for name in ("memory", "pids", "cpu") if name in own]


def _version_2() -> list[Path]:
    """Beside our own group: one that has processes of its own may not have limited children."""
    own = _own_paths().get("", "/").strip("/")
    if not own or not (_ROOT / "cgroup.controllers").exists():
        return []
    return [(_ROOT / own).parent]


def groups_of(owner: int) -> list[str]:
    """Control groups of boxes that this process has opened and that still have a process in them."""
    own = [group for parent in (_version_1() or _version_2()) for group in parent.glob(f"{_PREFIX}{owner}-*")]
    return [str(group) for group in own if (group / "cgroup.procs").read_text().strip()]


def _sweep(parents: tuple[Path, ...]) -> None:
    for parent in parents:
        for folder in parent.glob(f"{_PREFIX}*"):
            owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
            if not Path(f"/proc/{owner}").exists():
                with suppress(OSError):
                    folder.rmdir()
