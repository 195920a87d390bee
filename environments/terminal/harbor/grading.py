"""How a step is graded: in a copy of the agent's sandbox, or in a sandbox of the verifier's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from environments.terminal.harbor.config import TaskConfig
from environments.terminal.harbor.files import files_below
from environments.terminal.harbor.places import ARTIFACTS
from environments.terminal.harbor.tables import (
    MAIN,
    ArtifactTable,
    CollectTable,
    EnvironmentTable,
    StepTable,
    VerifierTable,
)
from services.kit.failure import Refused

_DEFINITIONS = ("Dockerfile", "docker-compose.yaml")


@dataclass(frozen=True)
class Definition:
    """A verifier's own sandbox: its folder and table. An image of tests/ brings the tests along."""

    folder: Path
    table: EnvironmentTable
    brings_tests: bool


@dataclass(frozen=True)
class Grading:
    """`tests` are put into /tests in this order; `own` is None where the agent's sandbox is copied."""

    tables: tuple[VerifierTable, ...]
    timeout_s: float
    env: Mapping[str, str]
    tests: Mapping[str, Path]
    collect: tuple[CollectTable, ...]
    artifacts: tuple[ArtifactTable, ...]
    own: Definition | None

    @classmethod
    def read(cls, task: Path, config: TaskConfig, step: StepTable | None) -> Self:
        """Errors: Refused if there is no test script."""
        tables = (config.verifier,) if step is None else (config.verifier, step.verifier)
        folders = [task / "tests"] + ([] if step is None else [task / "steps" / step.name / "tests"])
        own = _own(task, config, step)
        tests = {name: path for folder in folders for name, path in files_below(folder, task).items()}
        if "test.sh" not in tests and not (own and own.brings_tests):
            raise Refused(f"{folders[-1] / 'test.sh'} is missing", field="tests/test.sh")
        return cls(
            tables=tables,
            timeout_s=tables[-1].timeout_sec,
            env={name: value for table in tables for name, value in table.env.items()},
            tests=tests,
            collect=tuple(hook for table in tables for hook in table.collect),
            artifacts=_with_published(config.artifacts + (step.artifacts if step else ())),
            own=own,
        )


def _own(task: Path, config: TaskConfig, step: StepTable | None) -> Definition | None:
    """The step's definition before the task's; its table and its image may come from different places."""
    mode = (step and step.verifier.mode) or config.verifier.mode or "shared"
    if mode == "shared":
        return None
    candidates = [(config.verifier.environment, task / "tests")]
    if step is not None:
        candidates.insert(0, (step.verifier.environment, task / "steps" / step.name / "tests"))
    table = next((table for table, _ in candidates if table is not None), config.environment)
    for candidate, folder in candidates:
        if candidate is not None and candidate.docker_image:
            return Definition(folder, _imaged(table, candidate.docker_image), brings_tests=True)
        if any((folder / name).is_file() for name in _DEFINITIONS):
            return Definition(folder, _imaged(table, None), brings_tests=True)
    return Definition(task / "environment", _imaged(table, config.environment.docker_image), False)


def _imaged(table: EnvironmentTable, image: str | None) -> EnvironmentTable:
    return table.model_copy(update={"docker_image": image})


def _with_published(artifacts: tuple[ArtifactTable, ...]) -> tuple[ArtifactTable, ...]:
    """The folder in which agents publish is always among them."""
    declared = any(one.source.rstrip("/") == ARTIFACTS and one.service == MAIN for one in artifacts)
    return artifacts if declared else (ArtifactTable(source=ARTIFACTS), *artifacts)
