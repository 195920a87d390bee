"""The tables of `task.toml`. Every field that Harbor knows is here: what is not, is refused by name."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from environments.terminal.harbor.values import Host, InnerPath, Megabytes, StepName, User, Variables

MAIN = "main"  # the service that agents work in
NetworkMode = Literal["public", "no-network", "allowlist"]


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class TaskTable(Table):
    name: str = ""
    version: str | None = None
    description: str = ""
    authors: tuple[Any, ...] = ()
    keywords: tuple[str, ...] = ()


class NetworkFields(Table):
    """Of an environment its baseline; of agent and verifier what holds for them instead."""

    network_mode: NetworkMode | None = None
    allowed_hosts: tuple[Host, ...] | None = None

    @property
    def policy(self) -> tuple[object, ...]:
        return self.network_mode, self.allowed_hosts or ()

    @model_validator(mode="after")
    def _hosts_belong_to_an_allowlist(self) -> Self:
        if self.allowed_hosts and self.network_mode != "allowlist":
            raise ValueError("allowed_hosts needs network_mode = 'allowlist'")
        return self


class HealthcheckTable(Table):
    """A command that must succeed before the agent starts; failures in the start period do not count."""

    command: str
    interval_sec: float = Field(default=5.0, ge=0)
    timeout_sec: float = Field(default=30.0, gt=0)
    start_period_sec: float = Field(default=0.0, ge=0)
    start_interval_sec: float = Field(default=5.0, ge=0)
    retries: int = Field(default=3, ge=1)


class EnvironmentTable(NetworkFields):
    build_timeout_sec: float = Field(default=600.0, gt=0)
    docker_image: str | None = None
    os: str = "linux"
    cpus: float | None = Field(default=None, gt=0)
    memory_mb: Megabytes | None = Field(default=None, gt=0)
    storage_mb: Megabytes | None = Field(default=None, gt=0)
    gpus: int | None = Field(default=None, ge=0)
    gpu_types: tuple[str, ...] | None = None
    tpu: dict[str, Any] | None = None
    mcp_servers: tuple[dict[str, Any], ...] = ()
    env: Variables = Field(default_factory=dict)
    skills_dir: str | None = None
    healthcheck: HealthcheckTable | None = None
    workdir: str | None = Field(default=None, pattern=r"^/")

    @model_validator(mode="before")
    @classmethod
    def _older_spellings(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        table = dict(table)
        for old, new in (("memory", "memory_mb"), ("storage", "storage_mb")):
            if old in table and table.get(new, table[old]) != table[old]:
                raise ValueError(f"{old} = {table[old]!r} contradicts {new} = {table[new]!r}")
            if old in table:
                table[new] = table.pop(old)
        internet = table.pop("allow_internet", None)
        if internet is not None and table.get("network_mode") is None:
            table["network_mode"] = "public" if internet else "no-network"
        return table


class CollectTable(Table):
    """A command that puts down what shall be collected, once the agent has ended."""

    command: str
    service: str = MAIN
    timeout_sec: float = Field(default=60.0, gt=0)
    user: User | None = None


class VerifierTable(NetworkFields):
    """Of a step: its own `timeout_sec`, or the default; never the task's, as in Harbor."""

    timeout_sec: float = Field(default=600.0, gt=0)
    env: Variables = Field(default_factory=dict)
    user: User | None = None
    environment_mode: Literal["shared", "separate"] | None = None
    environment: EnvironmentTable | None = None
    collect: tuple[CollectTable, ...] = ()

    @model_validator(mode="after")
    def _shared_has_no_environment(self) -> Self:
        if self.environment_mode == "shared" and self.environment is not None:
            raise ValueError("environment_mode = 'shared' contradicts [verifier.environment]")
        return self

    @property
    def mode(self) -> Literal["shared", "separate"] | None:
        """None if this table says nothing about it."""
        return self.environment_mode or (None if self.environment is None else "separate")


class AgentTable(NetworkFields):
    timeout_sec: float | None = Field(default=None, gt=0)
    user: User | None = None


class ArtifactTable(Table):
    """Files to collect: a path in a service; in an archive for people they lie at `destination`."""

    source: InnerPath
    destination: InnerPath | None = None
    exclude: tuple[str, ...] = ()
    service: str = MAIN

    @field_validator("destination")
    @classmethod
    def _relative(cls, path: str | None) -> str | None:
        if path and path.startswith("/"):
            raise ValueError(f"{path!r} is not relative")
        return path or None


class StepTable(Table):
    name: StepName
    agent: AgentTable = AgentTable()
    verifier: VerifierTable = VerifierTable()
    min_reward: float | dict[str, float] | None = None
    healthcheck: HealthcheckTable | None = None
    artifacts: tuple[ArtifactTable, ...] = ()

    @field_validator("artifacts", mode="before")
    @classmethod
    def _named(cls, artifacts: object) -> object:
        return named(artifacts)


def named(artifacts: object) -> object:
    """A path alone stands for an artifact with that source."""
    if not isinstance(artifacts, list | tuple):
        return artifacts
    return [{"source": entry} if isinstance(entry, str) else entry for entry in artifacts]
