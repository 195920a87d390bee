"""One instruction of a task, what comes before it, and how it is graded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from environments.terminal.harbor.config import TaskConfig
from environments.terminal.harbor.files import files_below, instruction_of
from environments.terminal.harbor.grading import Grading
from environments.terminal.harbor.tables import AgentTable, HealthcheckTable, StepTable
from services.kit.failure import Refused


@dataclass(frozen=True)
class Step:
    """A task without `[[steps]]` is one step without a name. `agent_s`: None is no limit of its own."""

    name: str
    instruction: str
    agent: AgentTable
    agent_s: float | None
    grading: Grading
    solution: Path | None
    workdir: Path | None = None
    healthcheck: HealthcheckTable | None = None
    min_reward: Mapping[str, float] | None = None

    def passed(self, components: Mapping[str, float]) -> bool:
        """Whether the task goes on after this step; a component that is missing is below every threshold."""
        wanted = self.min_reward or {}
        return all(components.get(name, float("-inf")) >= least for name, least in wanted.items())

    @classmethod
    def only(cls, task: Path, config: TaskConfig) -> Self:
        return cls(
            name="",
            instruction=instruction_of(task / "instruction.md"),
            agent=config.agent,
            agent_s=config.agent.timeout_sec,
            grading=Grading.read(task, config, None),
            solution=_solution(task / "solution", task),
        )

    @classmethod
    def read(cls, task: Path, config: TaskConfig, table: StepTable) -> Self:
        """Errors: Refused if a file is missing."""
        folder = task / "steps" / table.name
        if not folder.resolve().is_relative_to(task.resolve()) or not folder.is_dir():
            raise Refused(f"{folder} is missing", field="steps", value=table.name)
        workdir, agent_s = folder / "workdir", table.agent.timeout_sec
        return cls(
            name=table.name,
            instruction=instruction_of(folder / "instruction.md"),
            agent=table.agent,
            agent_s=config.agent.timeout_sec if agent_s is None else agent_s,
            grading=Grading.read(task, config, table),
            solution=_solution(folder / "solution", task) or _solution(task / "solution", task),
            workdir=workdir if workdir.is_dir() and files_below(workdir, task) else None,
            healthcheck=table.healthcheck,
            min_reward=_thresholds(table.min_reward),
        )


def steps_of(task: Path, config: TaskConfig) -> tuple[Step, ...]:
    """Errors: Refused, naming what is missing or not part of the task."""
    if not config.steps:
        if (task / "steps").exists():
            raise Refused(f"{task / 'steps'} is no part of a task without [[steps]]", field="steps")
        return (Step.only(task, config),)
    return tuple(Step.read(task, config, table) for table in config.steps)


def _solution(folder: Path, task: Path) -> Path | None:
    return folder if files_below(folder, task) else None


def _thresholds(min_reward: float | Mapping[str, float] | None) -> Mapping[str, float] | None:
    return {"reward": float(min_reward)} if isinstance(min_reward, int | float) else min_reward
