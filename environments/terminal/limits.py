"""What a task's sandboxes may use: what it says, and where it says nothing, what their kind has room for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from environments.terminal.harbor.step import Step
from environments.terminal.harbor.tables import EnvironmentTable
from services.kit.failure import Refused
from services.sandbox.port import MIB, Blueprint, Limits, Sandboxes

_GIB = 1024 * MIB
_DAY_S = 86_400.0  # of an agent without a limit of its own: its rollout's deadline comes first


@dataclass(frozen=True)
class Room:
    """What a kind of sandbox has for a task that says nothing, and the most storage for one that does."""

    memory_bytes: int
    work_bytes: int
    open_files: int
    most_work_bytes: int | None = None
    processes: int = 1024  # threads count as well


IN_MEMORY = Room(512 * MIB, 64 * MIB, 1024, most_work_bytes=_GIB)
ON_DISK = Room(4 * _GIB, 4 * _GIB, 4096)


def room_of(folder: Path, sandboxes: Sandboxes) -> Room:
    """Files of boxes that come from images lie on a disk, those of others in memory."""
    return ON_DISK if has_images(folder, sandboxes) else IN_MEMORY


def has_images(folder: Path, sandboxes: Sandboxes) -> bool:
    """Whether a box of this kind is what its image says, and not this machine with other files."""
    try:
        sandboxes.check(Blueprint(folder, image="debian"))
    except Refused as refused:
        return refused.field != "image"
    return True


def refuse_too_much(path: Path, name: str, table: EnvironmentTable, room: Room) -> None:
    """Errors: Refused, for more storage than there is."""
    asked, most = (table.storage_mb or 0) * MIB, room.most_work_bytes
    if most is not None and asked > most:
        raise Refused(
            f"{path}: {name}.storage_mb = {table.storage_mb}: files lie in memory, at most {most // MIB}",
            field=f"{name}.storage_mb",
            value=table.storage_mb,
            remedy="use Docker for this task, or ask for less",
        )


def limits_of(table: EnvironmentTable, steps: Sequence[Step], room: Room) -> Limits:
    """CPU time is no limit besides the task's timeouts: a process may use every CPU throughout."""
    cpus = table.cpus or Limits().cpus
    seconds = sum((step.agent_s or _DAY_S) + step.grading.timeout_s for step in steps)
    return Limits(
        work_bytes=table.storage_mb * MIB if table.storage_mb else room.work_bytes,
        memory_bytes=table.memory_mb * MIB if table.memory_mb else room.memory_bytes,
        processes=room.processes,
        cpus=cpus,
        cpu_s=math.ceil(max(seconds, table.build_timeout_sec) * max(1.0, cpus)),
        open_files=room.open_files,
        build_s=table.build_timeout_sec,
    )
