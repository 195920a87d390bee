"""What a sandbox host and its clients say to each other."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.sandbox.port import Blueprint, Limits, Network, NetworkMode, Tier

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Path = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
_Label = Annotated[str, StringConstraints(max_length=200)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WireNetwork(_Wire):
    mode: NetworkMode = NetworkMode.NONE
    hosts: tuple[str, ...] = Field(default=(), max_length=256)


class WireBlueprint(_Wire):
    """A blueprint whose folder is an archive that was sent before, named by its SHA-256."""

    folder: Digest
    workdir: _Path | None = None
    env: dict[str, str] = Field(default={}, max_length=512)
    image: _Path | None = None
    compose: _Path | None = Field(default=None, description="inside the folder")
    network: WireNetwork = WireNetwork()
    tier: Tier = Tier.SEMI_TRUSTED
    user: _Label | None = None
    read_only_root: bool = False
    writable: tuple[_Path, ...] = Field(default=(), max_length=64)
    labels: dict[_Label, _Label] = Field(default={}, max_length=16)

    @classmethod
    def of(cls, blueprint: Blueprint, folder: str) -> "WireBlueprint":
        compose = blueprint.compose and str(blueprint.compose.relative_to(blueprint.folder))
        network = WireNetwork(mode=blueprint.network.mode, hosts=blueprint.network.hosts)
        said = {name: value for name, value in vars(blueprint).items() if name != "company"}
        return cls(**{**said, "folder": folder, "compose": compose, "network": network})

    def at(self, folder: Path) -> Blueprint:
        """The blueprint, now that its folder lies here. Errors: Refused."""
        compose = folder / self.compose if self.compose else None
        network = Network(self.network.mode, self.network.hosts)
        return Blueprint(**{**dict(self), "folder": folder, "compose": compose, "network": network})


class WireLimits(_Wire):
    work_bytes: int = Field(gt=0)
    memory_bytes: int = Field(gt=0)
    processes: int = Field(gt=0)
    cpus: float = Field(gt=0)
    cpu_s: int = Field(gt=0)
    open_files: int = Field(gt=0)
    output_bytes: int = Field(gt=0)
    build_s: float = Field(gt=0)

    def limits(self) -> Limits:
        return Limits(**dict(self))


class OpenRequest(_Wire):
    blueprint: WireBlueprint
    limits: WireLimits
    tree: Digest | None = None


class OpenReply(_Wire):
    """`lease_s`: how long the box lives on after the last call that names it."""

    id: str
    workdir: str
    lease_s: float


class CommandRequest(_Wire):
    command: str
    timeout_s: float = Field(gt=0, le=86_400)
    user: _Label | None = None


class CommandReply(_Wire):
    output: str
    exit_code: int
    truncated: bool
    timed_out: bool


class HostCard(_Wire):
    """What a host opens: of which kind its boxes are, and what its engine has for hostile tasks."""

    kind: str
    runtimes: tuple[str, ...] = ()
    hostile_runtime: str = ""
