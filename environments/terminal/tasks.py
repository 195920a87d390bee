"""Harbor task directories of one environment: read and checked once, at start."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from environments.tasks import Tasks
from environments.terminal.blueprints import agents_blueprint, refuse_another_network, verifiers_blueprint
from environments.terminal.harbor.config import TaskConfig
from environments.terminal.harbor.step import Step, steps_of
from environments.terminal.harbor.support import refuse_unsupported
from environments.terminal.limits import IN_MEMORY, Room, limits_of, refuse_too_much, room_of
from environments.terminal.machine import refuse_another_image
from services.contracts.environment import TaskCard, TaskRef
from services.kit.failure import Refused
from services.sandbox.port import Blueprint, Limits, NetworkMode, Sandboxes

_SHOWN = 10
_SPLIT = re.compile(r"^[a-z][a-z0-9_-]{0,30}$")


@dataclass(frozen=True)
class TerminalTask:
    """One task directory."""

    folder: Path
    config: TaskConfig
    steps: tuple[Step, ...]
    blueprint: Blueprint
    verifiers: tuple[Blueprint, ...]  # one for each step
    room: Room

    @property
    def root(self) -> str | None:
        """Who may do everything in its sandboxes, where there is more than one user."""
        return None if self.blueprint.user is None else "root"

    @property
    def lacks_network(self) -> bool:
        """Whether it says nothing of a network, so that Harbor gives it one, and has none here."""
        said = (self.config.agent.network_mode, self.config.environment.network_mode)
        return said == (None, None) and self.blueprint.network.mode is NetworkMode.NONE

    @property
    def title(self) -> str:
        return self.config.task.name or self.folder.name

    @property
    def instruction(self) -> str:
        """Of all its steps, for people."""
        return "\n\n".join(step.instruction for step in self.steps)

    def card(self, ref: TaskRef) -> TaskCard:
        tags = tuple(str(value) for value in self.config.metadata.values() if isinstance(value, str))
        return TaskCard(task=ref, title=self.title, tags=tags, instruction=self.instruction)

    def limits(self, output_bytes: int) -> Limits:
        limits = limits_of(self.config.environment, self.steps, self.room)
        return replace(limits, output_bytes=output_bytes)

    def verifier(self, step: Step, output_bytes: int) -> tuple[Blueprint, Limits]:
        """What the sandbox is made of that a step is graded in."""
        own = step.grading.own
        table = self.config.environment if own is None else own.table
        limits = limits_of(table, (step,), self.room)
        return self.verifiers[self.steps.index(step)], replace(limits, output_bytes=output_bytes)

    @classmethod
    def read(cls, folder: Path, sandboxes: Sandboxes) -> "TerminalTask":
        """Errors: Refused, with the file and the field that cannot be had."""
        config = TaskConfig.read(folder / "task.toml")
        refuse_unsupported(folder, config)
        steps = steps_of(folder, config)
        agents = agents_blueprint(folder, config, sandboxes)
        room = room_of(agents.folder, sandboxes)
        refuse_too_much(folder / "task.toml", "environment", config.environment, room)
        verifiers = tuple(verifiers_blueprint(folder, config, step.grading, sandboxes) for step in steps)
        for step, verifier in zip(steps, verifiers, strict=True):
            if step.grading.own is not None:
                name = "verifier.environment"
                refuse_too_much(folder / "task.toml", name, step.grading.own.table, room)
            else:
                refuse_another_network(folder, agents, verifier)
        if room is IN_MEMORY:
            for build in {agents.folder, *(verifier.folder for verifier in verifiers)}:
                refuse_another_image(build)
        return cls(folder, config, steps, agents, verifiers, room)


TerminalTasks = Tasks[TerminalTask]


def load_tasks(folder: Path, sandboxes: Sandboxes) -> TerminalTasks:
    """All tasks below `folder`: `<split>/<name>/`, or `<name>/` for a single split `train`, or one task.

    Errors: Refused, naming what is wrong with the first directories that cannot be used.
    """
    if not folder.is_dir():
        raise Refused(f"{folder} is not a folder of tasks", field="tasks_dir", value=folder)
    if (folder / "task.toml").exists():
        return TerminalTasks({"train": (TerminalTask.read(folder, sandboxes),)})
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
