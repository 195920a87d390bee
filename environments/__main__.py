"""`python -m environments --family terminal`: wires one environment service and serves it."""

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from environments.app import create_app
from environments.artifacts import Artifacts
from environments.family import Family
from environments.host import Host
from environments.metrics import EnvironmentMetrics
from environments.nemo_gym.settings import NemoGymSettings
from environments.nemo_gym.wiring import nemo_gym_family
from environments.openenv.settings import OpenEnvSettings
from environments.openenv.wiring import openenv_family
from environments.outside import outside_family
from environments.registration import Registrar
from environments.reporter import Reporter
from environments.runner import Runner
from environments.sandboxes import sandboxes_of
from environments.search.settings import SearchSettings
from environments.search.tasks import write_tasks as write_search_tasks
from environments.search.tiny.tasks import write_tasks as write_tiny_search_tasks
from environments.search.wiring import search_family
from environments.settings import EnvironmentSettings
from environments.slides.settings import SlidesSettings
from environments.slides.tasks import write_tasks as write_slides_tasks
from environments.slides.tiny.tasks import write_tasks as write_tiny_slides_tasks
from environments.swe.settings import SweSettings
from environments.swe.tiny.tasks import write_tasks as write_tiny_swe_tasks
from environments.swe.wiring import swe_family
from environments.terminal.generated import write_tasks as write_terminal_tasks
from environments.terminal.settings import TerminalSettings
from environments.terminal.wiring import terminal_family
from services.contracts.environment import Registration
from services.kit.crash import CrashPoints
from services.kit.failure import Failure, Refused
from services.kit.http import http_client
from services.kit.log import configure_log
from services.kit.metrics import Disks
from services.kit.serve import serve
from services.kit.settings import load_settings

Writer = Callable[[Path, int, int, int], None]  # folder, tasks of both splits, seed

_GENERATED: dict[str, tuple[Writer, int, int]] = {
    "terminal": (write_terminal_tasks, 1024, 256),
    "search": (write_search_tasks, 512, 128),
    "slides": (write_slides_tasks, 192, 64),
}
_TINY: dict[str, tuple[Writer, int, int]] = {
    "search": (write_tiny_search_tasks, 512, 96),
    "swe": (write_tiny_swe_tasks, 512, 96),
    "slides": (write_tiny_slides_tasks, 512, 96),
}

# Slides are rendered and servers of others are called: no command of an agent runs here.
_WITHOUT_SANDBOX = frozenset({"slides", "openenv", "nemo_gym"})


def main() -> None:
    _family_from_arguments()
    settings = load_settings(EnvironmentSettings)
    configure_log("environment", settings.log_level)
    try:
        _serve(settings)
    except Failure as failure:
        sys.exit(f"{failure.detail}{f' ({failure.remedy})' if failure.remedy else ''}")


def _serve(settings: EnvironmentSettings) -> None:
    if not settings.tasks_dir.exists():
        _write_tasks(settings)
    sandboxes = sandboxes_of(settings)
    if settings.family not in _WITHOUT_SANDBOX:
        asyncio.run(sandboxes.verify())
    metrics = EnvironmentMetrics()
    metrics.registry.register(Disks({"artifacts": settings.artifacts_dir, "tasks": settings.tasks_dir}))
    tls = settings.tls
    chat, reports = http_client(timeout_s=600, tls=tls), http_client(timeout_s=10, tls=tls)
    orchestrator = http_client(
        base_url=settings.orchestrator_url, token=_token(settings), timeout_s=10, tls=tls
    )
    name = settings.environment_name
    artifacts = Artifacts(
        settings.artifacts_dir / name, settings.url, settings.artifacts_kept, settings.artifact_bytes
    )
    announced = settings.announced_capacity or settings.capacity
    host = Host(name, announced, settings.tasks_dir, sandboxes, chat, metrics, artifacts)
    family = _family(settings, host)
    crash = CrashPoints(settings.crash_at)
    runner = Runner(family, settings.capacity, Reporter(reports, crash=crash), metrics)
    registration = Registration(
        name=name,
        url=settings.url,
        dispatch_token=_dispatch_token(settings),
        share=settings.share,
    )
    registrar = Registrar(orchestrator, registration, runner, settings.heartbeat_s, crash)
    lifetimes: list[AbstractAsyncContextManager[Any]] = [
        sandboxes.running(),
        chat,
        reports,
        orchestrator,
        *host.lifetimes,
        runner,
        registrar.running(),
    ]
    app = create_app(
        family, runner, metrics, registration.dispatch_token, lifetimes, artifacts, settings.limits
    )
    serve(app, settings.host, settings.port, settings.ready_file, tls)


def _family(settings: EnvironmentSettings, host: Host) -> Family:
    match settings.family:
        case "terminal":
            return terminal_family(host, load_settings(TerminalSettings))
        case "search":
            return search_family(host, load_settings(SearchSettings))
        case "swe":
            return swe_family(host, load_settings(SweSettings))
        case "slides":
            # Only here: it needs Playwright, which no other family does.
            from environments.slides.wiring import slides_family

            return slides_family(host, load_settings(SlidesSettings))
        case "openenv":
            return openenv_family(host, load_settings(OpenEnvSettings))
        case "nemo_gym":
            return nemo_gym_family(host, load_settings(NemoGymSettings))
        case outside:
            return outside_family(outside, host)


def _write_tasks(settings: EnvironmentSettings) -> None:
    """The family's own tasks or tiny ones, as many as it is told or as it likes."""
    writers = {**_GENERATED, **_TINY} if settings.tasks == "tiny" else _GENERATED
    if settings.family not in writers:
        return
    write, train, evaluation = writers[settings.family]
    train, evaluation = settings.train_tasks or train, settings.evaluation_tasks or evaluation
    write(settings.tasks_dir, train, evaluation, settings.tasks_seed)


def _token(settings: EnvironmentSettings) -> str:
    return _secret("PODIUM_ENVIRONMENT_TOKEN_FILE", settings.token_file)


def _dispatch_token(settings: EnvironmentSettings) -> str:
    """What callers must present: the file's content, or a fresh one that only the orchestrator learns."""
    if settings.dispatch_token_file is None:
        return secrets.token_urlsafe(32)
    return _secret("PODIUM_ENVIRONMENT_DISPATCH_TOKEN_FILE", settings.dispatch_token_file)


def _secret(variable: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise Refused(f"{variable} cannot be read: {error}") from None


def _family_from_arguments() -> None:
    parser = argparse.ArgumentParser(prog="python -m environments", description="Serve one task family.")
    parser.add_argument("--family", help="same as PODIUM_ENVIRONMENT_FAMILY; all else is set by variables")
    family = parser.parse_args().family
    if family is not None:
        os.environ["PODIUM_ENVIRONMENT_FAMILY"] = family


if __name__ == "__main__":
    main()
