"""What runs beside a sandbox, as its task's compose file says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.sandbox.docker.health import Health

MAIN_SERVICE = "main"


@dataclass(frozen=True)
class Service:
    """One service beside the sandbox: a prebuilt `image`, or a `folder` with a Dockerfile."""

    name: str
    image: str | None
    folder: Path | None
    env: Mapping[str, str]
    workdir: str | None
    user: str | None
    command: Sequence[str] | None
    entrypoint: Sequence[str] | None
    health: Health | None
    after: Mapping[str, str]  # name of a service, what it must have come to first


@dataclass(frozen=True)
class Main:
    """What the file says of the sandbox itself."""

    image: str | None
    env: Mapping[str, str]
    workdir: str | None


@dataclass(frozen=True)
class Composition:
    """`services` are in an order in which each comes after those that it waits for."""

    main: Main
    services: tuple[Service, ...]

    @property
    def ends(self) -> frozenset[str]:
        """Services that are there to end, since another one waits for their success."""
        waits = (pair for service in self.services for pair in service.after.items())
        return frozenset(name for name, condition in waits if condition == "service_completed_successfully")
