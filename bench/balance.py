"""`python -m bench balance`: trained shares under unequal latencies and a death, beside naive sampling.

A real orchestrator, a real Valkey and four environment services as processes of their own; engine and
learner are stubs. Naive weighted sampling is simulated with the same latencies, and deficit scheduling
once more beside it, so that the simulation can be held against the real run.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bench.balance_scenario import Member, Scenario
from bench.balance_simulation import Deficit, Naive, Simulated, Simulation
from bench.platform import Plan, Platform, platform
from bench.stubs.learner import StubLearner, StubSchedule
from bench.table import table
from services.contracts.sealed_group import SealedGroup
from services.kit.access import Scope
from services.kit.http import http_client
from services.transport.connection import connect
from services.transport.group_stream import RedisGroupStream
from services.transport.token_store import RedisTokenStore
from services.transport.weight_channel import RedisWeightChannel

_SEEDS = 20


@dataclass
class Measured:
    """What the learner trained, in order; `blocked_s` by environment is the orchestrator's own count."""

    trained: list[str] = field(default_factory=list)
    blocked_s: dict[str, float] = field(default_factory=dict)
    store_s: float = 0.0
    seconds: float = 0.0
    progress: dict[str, Any] = field(default_factory=dict)


def plan(scenario: Scenario) -> Plan:
    """What runs for a scenario."""
    orchestrator = {
        "GROUP_SIZE": scenario.group_size,
        "GROUPS_PER_STEP": scenario.groups_per_step,
        "MAX_STALENESS": scenario.max_staleness,
        "LEASE_S": scenario.lease_s,
        "DEBT_CAP": scenario.debt_cap,
        "MAX_ATTEMPTS": 10,
        "ROLLOUT_DEADLINE_S": 60,
    }
    environments = [
        {
            "name": member.name,
            "pace": vars(scenario.pace(member)),
            "share": member.share,
            "capacity": scenario.capacity,
        }
        for member in scenario.members
    ]
    return Plan(orchestrator, environments, engine={})


async def measure(scenario: Scenario, running: Platform) -> Measured:
    """Train the warm-up and the window; the one that dies is killed and started by the way."""
    measured = Measured()
    wanted = scenario.warm_up + scenario.window
    redis = connect(running.redis_url)
    async with (
        http_client(
            base_url=running.orchestrator_url, token=running.token(Scope.LEARNER), timeout_s=60
        ) as client,
        http_client(
            base_url=running.orchestrator_url, token=running.token(Scope.VIEWER), timeout_s=60
        ) as viewer,
    ):

        def on_trained(group: SealedGroup) -> None:
            measured.trained.append(group.environment)

        learner = StubLearner(
            RedisGroupStream(redis),
            RedisTokenStore(redis),
            RedisWeightChannel(redis),
            client,
            StubSchedule(scenario.groups_per_step, scenario.step_s),
            on_trained,
        )
        training = asyncio.create_task(learner.run())
        try:
            await _reach(measured, scenario.warm_up, training)
            before, started = await _progress(viewer), time.monotonic()
            _say(f"warm: {len(measured.trained)} groups trained")
            await _reach(measured, scenario.warm_up + scenario.dies_after, training)
            service = running.services[scenario.dies]
            service.kill()
            _say(f"{scenario.dies} killed after {len(measured.trained)} groups")
            await asyncio.sleep(scenario.away_s)
            service.start()
            _say(f"{scenario.dies} started again after {len(measured.trained)} groups")
            await _reach(measured, wanted, training)
            measured.progress = await _progress(viewer)
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


async def _progress(viewer: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await viewer.get("/v1/progress")).raise_for_status().json())


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
    with TemporaryDirectory() as folder, platform(plan(scenario), Path(folder)) as running:
        measured = asyncio.run(measure(scenario, running))
    report(scenario, measured)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
