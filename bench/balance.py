"""`python -m bench balance`: trained shares under unequal latencies and a death, beside naive sampling.

A real orchestrator, a real Valkey and four environment services as processes of their own; engine and
learner are stubs. Naive weighted sampling is simulated with the same latencies, and deficit scheduling
once more beside it, so that the simulation can be held against the real run.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bench.balance_scenario import Member, Scenario
from bench.balance_simulation import Deficit, Naive, Simulated, Simulation
from bench.child import child
from bench.stubs.learner import StubLearner
from bench.table import table
from bench.valkey import ValkeyProcess, free_port
from services.kit.access import Claims, Scope, Signer
from services.kit.http import http_client
from services.transport.connection import connect
from services.transport.group_stream import Delivery, RedisGroupStream

_SEEDS = 20
_LIFETIME_S = 86_400.0
_START_S = 60.0  # of a machine that has other things to do


@dataclass
class Measured:
    """What the learner trained, in order; `blocked_s` by environment is the orchestrator's own count."""

    trained: list[str] = field(default_factory=list)
    blocked_s: dict[str, float] = field(default_factory=dict)
    store_s: float = 0.0
    seconds: float = 0.0
    progress: dict[str, Any] = field(default_factory=dict)


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
class Platform:
    """The running processes: where they are, and who may speak to them."""

    redis_url: str
    orchestrator_url: str
    signer: Signer
    services: dict[str, Service]


@contextmanager
def platform(scenario: Scenario, folder: Path) -> Iterator[Platform]:
    """Everything up; everything ended afterwards."""
    secret = folder / "secret"
    secret.write_text(os.urandom(32).hex())
    signer = Signer.from_file(secret)
    token = folder / "token"
    token.write_text(signer.mint(Claims(Scope.ENVIRONMENT), _LIFETIME_S))
    with ExitStack() as stack:
        redis = stack.enter_context(ValkeyProcess(folder))
        ready = folder / "engine.ready"
        engine_url = stack.enter_context(child("bench.stubs.engine", ready, [str(ready)]))
        ready = folder / "orchestrator.ready"
        settings = {
            "SECRET_FILE": str(secret),
            "READY_FILE": str(ready),
            "PORT": str(free_port()),
            "REDIS_URL": redis.url,
            "STORE_URL": f"sqlite:///{folder / 'store.sqlite'}",
            "ENGINES": json.dumps([engine_url]),
            "LOG_LEVEL": "ERROR",
            "GROUP_SIZE": str(scenario.group_size),
            "GROUPS_PER_STEP": str(scenario.groups_per_step),
            "MAX_STALENESS": str(scenario.max_staleness),
            "LEASE_S": str(scenario.lease_s),
            "DEBT_CAP": str(scenario.debt_cap),
            "MAX_ATTEMPTS": "10",
            "ROLLOUT_DEADLINE_S": "60",
        }
        named = {f"PODIUM_ORCHESTRATOR_{name}": value for name, value in settings.items()}
        url = stack.enter_context(child("orchestrator", ready, settings=named)).strip()
        common = {
            "orchestrator_url": url,
            "redis_url": redis.url,
            "token_file": str(token),
            "secret_file": str(secret),
        }
        services = {member.name: _service(scenario, member, common, folder) for member in scenario.members}
        for service in services.values():
            stack.callback(service.kill)
            service.start()
        for service in services.values():
            service.wait_ready()
        yield Platform(redis.url, url, signer, services)


def _service(scenario: Scenario, member: Member, common: dict[str, str], folder: Path) -> Service:
    settings, ready = folder / f"{member.name}.json", folder / f"{member.name}.ready"
    told = {
        **common,
        "name": member.name,
        "port": free_port(),
        "ready_file": str(ready),
        "pace": vars(scenario.pace(member)),
        "share": member.share,
        "capacity": scenario.capacity,
    }
    settings.write_text(json.dumps(told).replace("Infinity", "1e9"))
    return Service(settings, ready)


async def measure(scenario: Scenario, running: Platform) -> Measured:
    """Train the warm-up and the window; the one that dies is killed and started by the way."""
    measured = Measured()
    wanted = scenario.warm_up + scenario.window
    redis = connect(running.redis_url)
    token = running.signer.mint(Claims(Scope.LEARNER), _LIFETIME_S)
    async with http_client(base_url=running.orchestrator_url, token=token, timeout_s=60) as client:

        def on_trained(delivery: Delivery) -> None:
            measured.trained.append(delivery.group.environment)

        learner = StubLearner(
            RedisGroupStream(redis), client, scenario.groups_per_step, on_trained, scenario.step_s
        )
        training = asyncio.create_task(learner.run())
        try:
            await _reach(measured, scenario.warm_up, training)
            before, started = await _progress(client), time.monotonic()
            _say(f"warm: {len(measured.trained)} groups trained")
            await _reach(measured, scenario.warm_up + scenario.dies_after, training)
            service = running.services[scenario.dies]
            service.kill()
            _say(f"{scenario.dies} killed after {len(measured.trained)} groups")
            await asyncio.sleep(scenario.away_s)
            service.start()
            _say(f"{scenario.dies} started again after {len(measured.trained)} groups")
            await _reach(measured, wanted, training)
            measured.progress = await _progress(client)
            measured.seconds = time.monotonic() - started
        finally:
            training.cancel()
            await asyncio.gather(training, return_exceptions=True)
    await redis.aclose()
    measured.blocked_s = {
        name: seconds - _blocked_s(before)[name] for name, seconds in _blocked_s(measured.progress).items()
    }
    measured.store_s = measured.progress["admission"]["store_s"] - before["admission"]["store_s"]
    measured.trained = measured.trained[scenario.warm_up : wanted]
    return measured


async def _reach(measured: Measured, groups: int, training: asyncio.Task[None]) -> None:
    while len(measured.trained) < groups:
        if training.done():
            await training
        await asyncio.sleep(0.05)


async def _progress(client: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await client.get("/v1/progress")).json())


def _blocked_s(progress: dict[str, Any]) -> dict[str, float]:
    return {row["name"]: row["blocked_s"] for row in progress["environments"]}


def simulated(scenario: Scenario, policy: type[Naive] | type[Deficit]) -> list[Simulated]:
    """The scenario with seeds of its own, so that one lucky draw does not decide."""
    randoms = [Random(seed) for seed in range(_SEEDS)]
    return [Simulation(scenario, policy(scenario, random), random).run() for random in randoms]


def report(scenario: Scenario, measured: Measured) -> None:
    naive, deficit = simulated(scenario, Naive), simulated(scenario, Deficit)
    counts = Counter(measured.trained)
    rows = [
        [
            member.name,
            f"{member.slowness:g}x",
            f"{member.share:.3f}",
            f"{counts[member.name] / len(measured.trained):.3f}",
            f"{_mean_share(deficit, member):.3f}",
            f"{_mean_share(naive, member):.3f}",
            f"{measured.blocked_s.get(member.name, 0.0):.2f}",
        ]
        for member in scenario.members
    ]
    head = ["environment", "latency", "target", "trained", "simulated", "naive, simulated", "blocked s"]
    print(table(head, rows), "\n")
    _report_long_absence(scenario)
    naive_errors = [scenario.error(result.trained) for result in naive]
    figures = {
        "max_share_error": scenario.error(measured.trained),
        "naive_max_share_error": statistics.fmean(naive_errors),
        "blocked_seconds": sum(measured.blocked_s.values()),
        "naive_blocked_seconds": statistics.fmean(result.blocked_s for result in naive),
        "simulated_max_share_error": statistics.fmean(scenario.error(result.trained) for result in deficit),
        "naive_max_share_error_best": min(naive_errors),
        "naive_max_share_error_worst": max(naive_errors),
        "store_seconds": measured.store_s,
        "groups": len(measured.trained),
        "groups_s": len(measured.trained) / measured.seconds,
        "naive_groups_s": statistics.fmean(
            (scenario.window + scenario.warm_up) / result.seconds for result in naive
        ),
        "retried": sum(measured.progress["rollouts"]["retried_by_cause"].values()),
        "conservation_error": measured.progress["conservation_error"],
    }
    print(json.dumps({name: round(value, 4) for name, value in figures.items()}))


def _report_long_absence(scenario: Scenario) -> None:
    """The same death, but for a minute: who queues work for the dead ends up waiting for them."""
    away = replace(scenario, away_s=60.0)
    rows = []
    for name, policy in (("deficit", Deficit), ("naive", Naive)):
        results = simulated(away, policy)
        rate = statistics.fmean((away.window + away.warm_up) / result.seconds for result in results)
        blocked = statistics.fmean(result.blocked_s for result in results)
        rows.append([name, f"{rate:.1f}", f"{blocked:.1f}"])
    print(table(["away for 60 s, simulated", "groups/s", "blocked s"], rows), "\n")


def _mean_share(results: list[Simulated], member: Member) -> float:
    return statistics.fmean(result.trained.count(member.name) / len(result.trained) for result in results)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench balance", description=__doc__)
    parser.add_argument("--groups", type=int, default=Scenario.window, help="trained groups that count")
    arguments = parser.parse_args(argv)
    scenario = replace(Scenario(), window=arguments.groups, dies_after=min(250, arguments.groups // 4))
    with TemporaryDirectory() as folder, platform(scenario, Path(folder)) as running:
        measured = asyncio.run(measure(scenario, running))
    report(scenario, measured)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
