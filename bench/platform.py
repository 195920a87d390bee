"""Podium as processes around stubs: what the benchmarks of the orchestrator run on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.child import child
from bench.valkey import ValkeyProcess
from services.kit.access import Claims, Scope, Signer
from services.kit.ports import free_port

LIFETIME_S = 86_400.0
_START_S = 180.0  # of a machine that has other things to do


@dataclass
class Service:
    """An environment of stubs that can be killed and comes back at the same address."""

    settings: Path
    ready_file: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.ready_file.unlink(missing_ok=True)
        arguments = [sys.executable, "-m", "bench.stubs.environment", str(self.settings)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)

    def wait_ready(self) -> None:
        """Raises RuntimeError if it does not start."""
        deadline = time.monotonic() + _START_S
        while not self.ready_file.exists():
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.settings.stem} did not start")
            time.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass(frozen=True)
class Plan:
    """What runs: settings of the orchestrator, of each environment of stubs, and of the engine of stubs.

    With `model_folder` there is a gateway, and the environments talk to the engine through it.
    """

    orchestrator: Mapping[str, object]
    environments: Sequence[Mapping[str, Any]]
    engine: Mapping[str, Any]
    model_folder: Path | None = None


@dataclass(frozen=True)
class Platform:
    """The running processes: where they are, and who may speak to them."""

    redis_url: str
    orchestrator_url: str
    engine_url: str
    store_file: Path
    signer: Signer
    services: dict[str, Service]

    def token(self, scope: Scope) -> str:
        return self.signer.mint(Claims(scope), LIFETIME_S)


@contextmanager
def platform(plan: Plan, folder: Path) -> Iterator[Platform]:
    """Everything up; everything ended afterwards."""
    secret = folder / "secret"
    secret.write_text(os.urandom(32).hex())
    signer = Signer.from_file(secret)
    gateway_url = f"http://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        redis_url = stack.enter_context(ValkeyProcess(folder)).url
        ready, told = folder / "engine.ready", folder / "engine.json"
        told.write_text(json.dumps(plan.engine))
        engine_url = stack.enter_context(child("bench.stubs.engine", ready, [str(told), str(ready)]))
        store_file = folder / "store.sqlite"
        settings = {
            "SECRET_FILE": secret,
            "REDIS_URL": redis_url,
            "STORE_URL": f"sqlite:///{store_file}",
            "GATEWAY_URL": gateway_url,
            "ENGINES": json.dumps([engine_url]),
            "PORT": free_port(),
            **plan.orchestrator,
        }
        orchestrator_url = stack.enter_context(_process("orchestrator", "orchestrator", settings, folder))
        if plan.model_folder is not None:
            settings = {
                "SECRET_FILE": secret,
                "REDIS_URL": redis_url,
                "MODEL_PATH": plan.model_folder,
                "ORCHESTRATOR_URL": orchestrator_url,
                "TOKEN_FILE": _token_file(signer, Scope.GATEWAY, folder),
                "PORT": gateway_url.rpartition(":")[2],
            }
            stack.enter_context(_process("services.gateway", "gateway", settings, folder))
        common = {
            "orchestrator_url": orchestrator_url,
            "redis_url": redis_url,
            "token_file": str(_token_file(signer, Scope.ENVIRONMENT, folder)),
            "secret_file": str(secret),
        }
        services = {told["name"]: _service({**common, **told}, folder) for told in plan.environments}
        for service in services.values():
            stack.callback(service.kill)
            service.start()
        for service in services.values():
            service.wait_ready()
        yield Platform(redis_url, orchestrator_url, engine_url, store_file, signer, services)


@contextmanager
def _process(module: str, name: str, settings: Mapping[str, object], folder: Path) -> Iterator[str]:
    """A process of Podium; yields its address."""
    ready = folder / f"{name}.ready"
    values = {"READY_FILE": ready, "LOG_LEVEL": "ERROR", **settings}
    named = {f"PODIUM_{name.upper()}_{setting}": str(value) for setting, value in values.items()}
    with child(module, ready, settings=named) as url:
        yield url.strip()


def _token_file(signer: Signer, scope: Scope, folder: Path) -> Path:
    path = folder / f"token-{scope}"
    path.write_text(signer.mint(Claims(scope), LIFETIME_S))
    return path


def _service(told: Mapping[str, Any], folder: Path) -> Service:
    settings, ready = folder / f"{told['name']}.json", folder / f"{told['name']}.ready"
    text = json.dumps({**told, "port": free_port(), "ready_file": str(ready)})
    settings.write_text(text.replace("Infinity", "1e9"))
    return Service(settings, ready)
