"""`python -m bench.stubs.environment FILE`: the real environment service around a family of stubs."""

import json
import secrets
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.stubs.family import Pace, StubFamily
from environments.app import create_app
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
    share: float = 1.0
    capacity: int = 64
    tasks: int = 100_000
    heartbeat_s: float = 1.0


def main() -> None:
    settings = StubSettings(**json.loads(Path(sys.argv[1]).read_text()))
    configure_log("environment", "ERROR")
    token = Path(settings.token_file).read_text().strip()
    url = f"http://127.0.0.1:{settings.port}"
    chat, reports = http_client(timeout_s=600), http_client(timeout_s=10)
    orchestrator = http_client(base_url=settings.orchestrator_url, token=token, timeout_s=10)
    manifest = Manifest(
        name=settings.name, version="1", splits={"train": settings.tasks}, capacity=settings.capacity
    )
    store = RedisTokenStore(connect(settings.redis_url))
    signer = Signer.from_file(Path(settings.secret_file))
    family = StubFamily(manifest, Pace(**settings.pace), store, signer, chat)
    metrics = EnvironmentMetrics()
    runner = Runner(family, settings.capacity, Reporter(reports), metrics)
    registration = Registration(
        name=settings.name, url=url, dispatch_token=secrets.token_urlsafe(32), share=settings.share
    )
    registrar = Registrar(orchestrator, registration, runner, settings.heartbeat_s)
    lifetimes: list[AbstractAsyncContextManager[Any]] = [
        chat,
        reports,
        orchestrator,
        runner,
        registrar.running(),
    ]
    app = create_app(family, runner, metrics, registration.dispatch_token, lifetimes)
    serve(app, "127.0.0.1", settings.port, Path(settings.ready_file))


if __name__ == "__main__":
    main()
