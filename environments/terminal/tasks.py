"""Harbor task directories of one environment: read and checked once, at start."""

import re
from dataclasses import dataclass
from pathlib import Path

from environments.tasks import Tasks
from environments.terminal.harbor import TaskConfig
from services.contracts.environment import TaskCard, TaskRef
from services.kit.failure import Refused
from services.sandbox.archive import archive_of
from services.sandbox.port import MIB, Blueprint, Limits, Sandboxes

_SHOWN = 10
_SPLIT = re.compile(r"^[a-z][a-z0-9_-]{0,30}$")


@dataclass(frozen=True)
class TerminalTask:
    """One task directory."""

    folder: Path
    instruction: str
    config: TaskConfig

    @property
    def blueprint(self) -> Blueprint:
        table = self.config.environment
        return Blueprint(self.folder / "environment", table.workdir, table.env)

    @property
    def title(self) -> str:
        return self.config.task.name or self.folder.name

    def card(self, ref: TaskRef) -> TaskCard:
        tags = tuple(str(value) for value in self.config.metadata.values() if isinstance(value, str))
        return TaskCard(task=ref, title=self.title, tags=tags, instruction=self.instruction)

    def limits(self, output_bytes: int) -> Limits:
        table, default = self.config.environment, Limits()
        memory, storage = table.memory_mb or table.memory, table.storage_mb or table.storage
        return Limits(
            work_bytes=min(storage * MIB, default.work_bytes) if storage else default.work_bytes,
            cpus=table.cpus,
            memory_bytes=memory * MIB if memory else default.memory_bytes,
            output_bytes=output_bytes,
            build_s=table.build_timeout_sec,
        )

    def tests(self, target: str, folders: tuple[str, ...] = ()) -> bytes:
        """An archive of tests/ as `target`, all of it executable, and of empty `folders` beside it."""
        root = self.folder / "tests"
        files = {f"{target}/{path.relative_to(root)}": path for path in root.rglob("*") if path.is_file()}
        return archive_of(files, folders, mode=0o755)

    @classmethod
    def read(cls, folder: Path, sandboxes: Sandboxes) -> "TerminalTask":
        """Errors: Refused, with the file and the field that cannot be had."""
        config = TaskConfig.read(folder / "task.toml")
        for name in ("steps", "environment/docker-compose.yaml", "environment/docker-compose.yml"):
            if (folder / name).exists():
                raise Refused(f"{folder / name} is not supported", field=name, remedy="use Docker")
        for name in ("instruction.md", "tests/test.sh"):
            if not (folder / name).is_file():
                raise Refused(f"{folder / name} is missing", field=name)
        task = cls(folder, (folder / "instruction.md").read_text().strip(), config)
        sandboxes.check(task.blueprint)
        return task


TerminalTasks = Tasks[TerminalTask]


def load_tasks(folder: Path, sandboxes: Sandboxes) -> TerminalTasks:
    """All tasks below `folder`: `<split>/<name>/`, or `<name>/` for a single split `train`.

    Errors: Refused, naming what is wrong with the first directories that cannot be used.
    """
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder of tasks", field="tasks_dir", value=folder)
    if any((child / "task.toml").exists() for child in folder.iterdir()):
        splits = {"train": folder}
    else:
        splits = {child.name: child for child in sorted(folder.iterdir()) if child.is_dir()}
    found = {name: _read_all(name, path, sandboxes) for name, path in splits.items()}
    if not any(found.values()):
        raise Refused(f"{folder} holds no task", field="tasks_dir", remedy="<split>/<name>/task.toml")
    return TerminalTasks(found)


def _read_all(split: str, folder: Path, sandboxes: Sandboxes) -> tuple[TerminalTask, ...]:
    if not _SPLIT.match(split):
        raise Refused(f"{folder}: {split} is no name of a split", field="split", value=split)
    tasks, refusals = [], []
    for path in sorted(child for child in folder.iterdir() if child.is_dir()):
        try:
            tasks.append(TerminalTask.read(path, sandboxes))
        except Refused as refused:
            refusals.append(refused)
    if refusals:
        more = f"\n(and {len(refusals) - _SHOWN} more)" if len(refusals) > _SHOWN else ""
        lines = "\n".join(_sentence(refused) for refused in refusals[:_SHOWN])
        raise Refused(f"{lines}{more}", field=refusals[0].field)
    return tuple(tasks)


def _sentence(refused: Refused) -> str:
    return f"{refused.detail}; {refused.remedy}" if refused.remedy else refused.detail
