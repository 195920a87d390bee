"""The whole of `task.toml`: read, and refused by file and field where it is wrong."""

import re
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from environments.terminal.harbor.tables import (
    AgentTable,
    ArtifactTable,
    EnvironmentTable,
    StepTable,
    Table,
    TaskTable,
    VerifierTable,
    named,
)
from environments.terminal.harbor.values import Variables, same_folder
from services.kit.failure import Refused
from services.sandbox.port import Tier


class SolutionTable(Table):
    env: Variables = Field(default_factory=dict)


class TaskConfig(Table):
    """The file. `version` is an older name of `schema_version`."""

    schema_version: str = "1.4"
    task: TaskTable = TaskTable()
    metadata: dict[str, Any] = Field(default_factory=dict)
    verifier: VerifierTable = VerifierTable()
    agent: AgentTable = AgentTable()
    environment: EnvironmentTable = EnvironmentTable()
    solution: SolutionTable = SolutionTable()
    source: str | None = None
    multi_step_reward_strategy: Literal["mean", "final"] | None = None
    steps: tuple[StepTable, ...] = ()
    artifacts: tuple[ArtifactTable, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _older_spelling(cls, file: Any) -> Any:
        if isinstance(file, dict) and "version" in file:
            version = file["version"]
            file = {"schema_version": version} | {key: file[key] for key in file if key != "version"}
        return file

    @field_validator("artifacts", mode="before")
    @classmethod
    def _named(cls, artifacts: object) -> object:
        return named(artifacts)

    @field_validator("schema_version")
    @classmethod
    def _known(cls, version: str) -> str:
        if not re.fullmatch(r"1\.[0-4]", version):
            raise ValueError("only 1.0 to 1.4 are known")
        return version

    @field_validator("metadata")
    @classmethod
    def _isolation_is_known(cls, metadata: dict[str, Any]) -> dict[str, Any]:
        if metadata.get("isolation", "semi-trusted") not in ("semi-trusted", "hostile"):
            raise ValueError("isolation is semi-trusted or hostile")
        return metadata

    @property
    def tier(self) -> Tier:
        """How far its agents are trusted; Harbor has no word for it and leaves metadata to us."""
        return Tier.HOSTILE if self.metadata.get("isolation") == "hostile" else Tier.SEMI_TRUSTED

    @model_validator(mode="after")
    def _steps_have_names_of_their_own(self) -> Self:
        if len({same_folder(step.name) for step in self.steps}) < len(self.steps):
            raise ValueError("two steps have the same name")
        if self.multi_step_reward_strategy is not None and not self.steps:
            raise ValueError("multi_step_reward_strategy needs [[steps]]")
        return self

    @classmethod
    def read(cls, path: Path) -> "TaskConfig":
        """Errors: Refused, with the file, the field and what is wrong with it."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text()))
        except FileNotFoundError:
            raise Refused(f"{path} is missing", field="task.toml") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Refused(f"{path}: {error}", field="task.toml") from None
        except ValidationError as error:
            raise _refusal(path, error) from None


def _refusal(path: Path, error: ValidationError) -> Refused:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if not isinstance(part, int)) or "task.toml"
    if first["type"] == "extra_forbidden":
        return Refused(
            f"{path}: {field} is not supported", field=field, value=first["input"], remedy="remove it"
        )
    why = first["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(first["input"], dict) else f" = {first['input']!r}"
    return Refused(f"{path}: {field}{shown}: {why}", field=field, value=first["input"])
