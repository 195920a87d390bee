"""What a sandbox host is told from outside: `PODIUM_SANDBOX_*`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ProcessSettings
from services.sandbox.port import MIB


class HostSettings(ProcessSettings):
    """`secret_file` checks the tokens of callers (scope sandbox). The engine is the one of DOCKER_HOST."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_SANDBOX_")

    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=0, le=65535)
    ready_file: Path | None = None
    log_level: str = "INFO"
    secret_file: Path
    kind: Literal["docker", "bubblewrap"] = "docker"
    state_dir: Path = Field(default=Path("sandbox-host"), description="archives that callers sent")
    archives_bytes: int = Field(default=4096 * MIB, ge=MIB, description="of all archives kept")
    archive_bytes: int = Field(default=512 * MIB, ge=MIB, description="of the largest body taken")
    capacity: int = Field(default=64, ge=1, description="boxes at once")
    lease_s: float = Field(default=15.0, gt=0, description="a box outlives its caller's last word by this")
    images: tuple[str, ...] = Field(default=("*",), description="JSON list of patterns of prebuilt images")
    most_memory_bytes: int = Field(default=8192 * MIB, gt=0, description="of one box")
    most_work_bytes: int = Field(default=16_384 * MIB, gt=0, description="of one box")
    most_processes: int = Field(default=4096, gt=0, description="of one box")
    most_cpus: float = Field(default=8.0, gt=0, description="of one box")
    hostile_runtime: str = Field(default="runsc", description="for tasks of tier hostile: gVisor's or Kata's")
    require_cgroups: bool = Field(
        default=False, description="kind bubblewrap: refuse to start where whole boxes cannot be limited"
    )
    build_network: bool = Field(default=True, description="whether Dockerfiles may download")
    starts_at_once: int = Field(default=4, ge=1)
    starts_per_s: float = Field(default=20.0, gt=0)
    warm_each: int = Field(default=1, ge=0, description="boxes that wait for the next rollout of a task")
    warm_most: int = Field(default=8, ge=0)
