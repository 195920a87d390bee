"""`python -m bench.stubs.environment FILE`: the real environment service around a family of stubs."""

import json
import secrets
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.stubs.family import Pace, StubFamily
from bench.stubs.traffic import Traffic
from bench.stubs.traffic_family import Script, TrafficFamily
from environments.app import create_app
from environments.family import Family
from environments.metrics import EnvironmentMetrics
from environments.registration import Registrar
from environments.reporter import Reporter
from environments.runner import Runner
from services.contracts.environment import Manifest, Registration
from services.kit.access import Signer
from services.kit.http import http_client
from services.kit.log import configure_log
from services.kit.serve import serve
from services.transport.connection import connect
from services.transport.token_store import RedisTokenStore


@dataclass(frozen=True)
class StubSettings:
    """What one environment of stubs is told, as JSON in a file."""

    name: str
    port: int
    orchestrator_url: str
    redis_url: str
    token_file: str
    secret_file: str
    ready_file: str
    pace: dict[str, Any] = field(default_factory=dict)
    traffic: dict[str, Any] | None = None
    script: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0
    capacity: int = 64
    tasks: int = 100_000
    heartbeat_s: float = 1.0


def main() -> None:
    settings = StubSettings(**json.loads(Path(sys.argv[1]).read_text()))
    configure_log("environment", "ERROR")
    token = Path(settings.token_file).read_text().strip()
    url = f"http://127.0.0.1:{settings.port}"
    reports = http_client(timeout_s=10)
    orchestrator = http_client(base_url=settings.orchestrator_url, token=token, timeout_s=10)
    manifest = Manifest(
        name=settings.name, version="1", splits={"train": settings.tasks}, capacity=settings.capacity
    )
    family, of_family = _family(settings, manifest)
    metrics = EnvironmentMetrics()
    runner = Runner(family, settings.capacity, Reporter(reports), metrics)
    registration = Registration(
        name=settings.name, url=url, dispatch_token=secrets.token_urlsafe(32), share=settings.share
    )
    registrar = Registrar(orchestrator, registration, runner, settings.heartbeat_s)
    lifetimes: list[AbstractAsyncContextManager[Any]] = [
        *of_family,
        reports,
        orchestrator,
        runner,
        registrar.running(),
    ]
    app = create_app(family, runner, metrics, registration.dispatch_token, lifetimes)
    serve(app, "127.0.0.1", settings.port, Path(settings.ready_file))


def _family(
    settings: StubSettings, manifest: Manifest
) -> tuple[Family, list[AbstractAsyncContextManager[Any]]]:
    """With `traffic` one that talks to the gateway, else one that only takes time; and what it lives on."""
    if settings.traffic is not None:
        traffic = TrafficFamily(manifest, Traffic(**settings.traffic), Script(**settings.script))
        return traffic, [traffic]
    store = RedisTokenStore(connect(settings.redis_url))
    signer = Signer.from_file(Path(settings.secret_file))
    return StubFamily(manifest, Pace(**settings.pace), store, signer), []


if __name__ == "__main__":
    main()
