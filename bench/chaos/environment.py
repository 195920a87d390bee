"""`python -m bench.chaos.environment FILE`: an environment of stubs that keeps a history of its reports."""

import json
import os
import secrets
import sys
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.chaos.family import TalkingFamily
from bench.stubs.traffic import Traffic
from environments.app import create_app
from environments.metrics import EnvironmentMetrics
from environments.registration import Registrar
from environments.reporter import Reporter
from environments.runner import Runner
from services.contracts.environment import Manifest, Registration, RolloutRequest
from services.contracts.outcome import Outcome
from services.kit.crash import CrashPoints
from services.kit.http import http_client
from services.kit.log import configure_log
from services.kit.serve import serve


@dataclass(frozen=True)
class EnvironmentSettings:
    """What one environment is told, as JSON in a file."""

    name: str
    port: int
    orchestrator_url: str
    token_file: str
    ready_file: str
    history_file: str
    capacity: int
    traffic: dict[str, Any] = field(default_factory=dict)
    heartbeat_s: float = 0.5
    crash_at: str = ""


class RememberingReporter(Reporter):
    """Writes down each outcome that was acknowledged: the client's side of the promise."""

    def __init__(self, client: httpx.AsyncClient, crash: CrashPoints, history: Path) -> None:
        super().__init__(client, longest_wait_s=1.0, crash=crash)
        self._history = history.open("a", buffering=1)

    async def deliver(self, request: RolloutRequest, outcome: Outcome) -> bool:
        acknowledged = await super().deliver(request, outcome)
        entry = {
            "t": time.time(),
            "op": "outcome",
            "rollout_id": request.rollout_id,
            "attempt": request.attempt,
            "cause": outcome.cause,
            "result": "ok" if acknowledged else "fail",
        }
        self._history.write(json.dumps(entry) + "\n")
        return acknowledged


def main() -> None:
    settings = EnvironmentSettings(**json.loads(Path(sys.argv[1]).read_text()))
    configure_log("environment", "ERROR")
    crash = CrashPoints(os.environ.get("CHAOS_CRASH_AT", settings.crash_at))
    reports = http_client(timeout_s=5)
    token = Path(settings.token_file).read_text().strip()
    orchestrator = http_client(base_url=settings.orchestrator_url, token=token, timeout_s=5)
    manifest = Manifest(
        name=settings.name, version="1", splits={"train": 1_000_000}, capacity=settings.capacity
    )
    chat = http_client(timeout_s=120)
    family = TalkingFamily(manifest, Traffic(**settings.traffic), chat)
    metrics = EnvironmentMetrics()
    reporter = RememberingReporter(reports, crash, Path(settings.history_file))
    runner = Runner(family, settings.capacity, reporter, metrics)
    registration = Registration(
        name=settings.name, url=f"http://127.0.0.1:{settings.port}", dispatch_token=secrets.token_urlsafe(32)
    )
    registrar = Registrar(orchestrator, registration, runner, settings.heartbeat_s, crash)
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
