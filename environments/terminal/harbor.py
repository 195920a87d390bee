"""`task.toml` of a Harbor task (schema 1.4), as far as it is supported; all else is refused by name."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from services.kit.failure import Refused

_MIB = {"": 1, "M": 1, "MB": 1, "MIB": 1, "G": 1024, "GB": 1024, "GIB": 1024}
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def _megabytes(value: object) -> object:
    """The older spelling "2G" in MiB."""
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+)\s*([A-Za-z]*)", value)):
        factor = _MIB.get(match[2].upper())
        return value if factor is None else int(match[1]) * factor
    return value


def _resolved(value: object) -> object:
    """`${NAME:-default}` is the default: nothing of this machine's environment enters a sandbox."""
    if not isinstance(value, str):
        return value
    for match in _VARIABLE.finditer(value):
        if match[2] is None:
            raise ValueError(f"{match[0]} has no default, and sandboxes see none of this machine's variables")
    return _VARIABLE.sub(lambda match: match[2], value)


Megabytes = Annotated[int, BeforeValidator(_megabytes), Field(gt=0)]
Variables = dict[str, Annotated[str, BeforeValidator(_resolved)]]
NoNetwork = Literal["no-network"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class TaskTable(_Table):
    name: str = ""
    description: str = ""
    authors: tuple[Any, ...] = ()
    keywords: tuple[str, ...] = ()


class VerifierTable(_Table):
    timeout_sec: float = Field(default=600.0, gt=0)
    env: Variables = {}
    environment_mode: Literal["shared"] = "shared"


class AgentTable(_Table):
    timeout_sec: float = Field(default=600.0, gt=0)
    network_mode: NoNetwork | None = None


class EnvironmentTable(_Table):
    """Without `network_mode` a task runs without network too: this sandbox has none."""

    build_timeout_sec: float = Field(default=600.0, gt=0)
    os: Literal["linux"] = "linux"
    cpus: float = Field(default=1, gt=0)
    memory_mb: Megabytes | None = None
    memory: Megabytes | None = None
    storage_mb: Megabytes | None = None
    storage: Megabytes | None = None
    gpus: Literal[0] = 0
    env: Variables = {}
    workdir: str | None = Field(default=None, pattern=r"^/")
    network_mode: NoNetwork | None = None
    allow_internet: Literal[False] | None = None


class SolutionTable(_Table):
    env: Variables = {}


class TaskConfig(_Table):
    """The whole file. `version` is an older name of `schema_version`."""

    schema_version: str = "1.4"
    version: str | None = None
    task: TaskTable = TaskTable()
    metadata: dict[str, Any] = {}
    verifier: VerifierTable = VerifierTable()
    agent: AgentTable = AgentTable()
    environment: EnvironmentTable = EnvironmentTable()
    solution: SolutionTable = SolutionTable()
    source: str | None = None

    @classmethod
    def read(cls, path: Path) -> "TaskConfig":
        """Errors: Refused, with the file, the field and what is wrong with it."""
        try:
            config = cls.model_validate(tomllib.loads(path.read_text()))
        except FileNotFoundError:
            raise Refused(f"{path} is missing", field="task.toml") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Refused(f"{path}: {error}", field="task.toml") from None
        except ValidationError as error:
            raise _refusal(path, error) from None
        version = config.version or config.schema_version
        if not re.fullmatch(r"1\.[0-4]", version):
            detail = f"{path}: schema_version {version} is not supported; 1.4 is"
            raise Refused(detail, field="schema_version", value=version)
        return config


def _refusal(path: Path, error: ValidationError) -> Refused:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return Refused(f"{path}: {field} is not supported", field=field, value=first["input"])
    return Refused(f"{path}: {field} = {first['input']!r}: {first['msg']}", field=field, value=first["input"])
