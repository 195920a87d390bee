"""What an environment service is told from outside: `PODIUM_ENVIRONMENT_*`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.contracts.words import Name
from services.kit.settings import ServedSettings

FAMILIES = ("terminal", "search", "swe", "slides", "openenv", "nemo_gym")


class EnvironmentSettings(ServedSettings):
    """`public_url` is where the orchestrator reaches this service; `token_file` has scope environment."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_ENVIRONMENT_")

    family: str = Field(pattern=rf"^({'|'.join(FAMILIES)}|[\w.]+:\w+)$", description="or module:function")
    name: Name | None = Field(default=None, description="the family's name, if not given")
    host: str = "127.0.0.1"
    port: int = Field(default=8300, ge=0, le=65535)
    ready_file: Path | None = None
    log_level: str = "INFO"
    orchestrator_url: str
    token_file: Path
    dispatch_token_file: Path | None = Field(default=None, description="what callers present; fresh if unset")
    public_url: str | None = None
    share: Annotated[float, Field(ge=0.0)] = 1.0
    capacity: int = Field(default=16, ge=1, description="rollouts at once")
    announced_capacity: int | None = Field(
        default=None, ge=1, description="of all replicas behind public_url; `capacity`, if not given"
    )
    heartbeat_s: float = Field(default=2.0, gt=0)
    crash_at: str = Field(default="", description="for tests: where this process kills itself")

    sandbox: Literal["bubblewrap", "docker", "host"] = Field(
        default="bubblewrap", description="kind of sandboxes; host: those of a sandbox host"
    )
    sandbox_url: str | None = Field(default=None, description="sandbox=host: where it is")
    sandbox_token_file: Path | None = Field(default=None, description="sandbox=host: scope sandbox")
    sandbox_runtime: str = Field(default="runsc", description="sandbox=docker: of tasks of tier hostile")
    sandbox_require_cgroups: bool = Field(
        default=False, description="sandbox=bubblewrap: no start where whole boxes cannot be limited"
    )
    sandbox_warm: int = Field(default=1, ge=0, description="sandbox=docker: boxes that wait for a task")

    artifacts_dir: Path = Field(default=Path("artifacts"), description="files that rollouts leave for people")
    artifacts_kept: int = Field(default=2_000, ge=1, description="rollouts whose files are kept")
    artifact_bytes: int = Field(default=2_000_000, ge=10_000, description="of the largest file kept")

    tasks_dir: Path = Field(default=Path("tasks"), description="the family's; generated if there are none")
    tasks: Literal["own", "tiny"] = Field(
        default="own", description="which are generated: the family's own, or such as a tiny policy can learn"
    )
    train_tasks: int | None = Field(default=None, ge=1, description="of generated tasks; the family's choice")
    evaluation_tasks: int | None = Field(default=None, ge=1, description="of generated tasks")
    tasks_seed: int = 0

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.port == 0 and self.public_url is None:
            raise ValueError("port 0 needs public_url: where does the orchestrator reach this service?")
        return self

    @model_validator(mode="after")
    def _knows_its_sandbox_host(self) -> Self:
        if self.sandbox == "host" and (self.sandbox_url is None or self.sandbox_token_file is None):
            raise ValueError("sandbox=host needs sandbox_url and sandbox_token_file")
        return self

    @property
    def environment_name(self) -> str:
        """The name it registers under: of an outside family, the package's."""
        return self.name or self.family.partition(":")[0].partition(".")[0].lower()

    @property
    def url(self) -> str:
        return (self.public_url or f"{self.tls.scheme}://{self.host}:{self.port}").rstrip("/")
