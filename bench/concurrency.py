"""`python -m bench concurrency`: thousands of rollouts of ten turns at once, and what each of them costs.

Real orchestrator, gateway and Valkey; engine and environments are stubs with the latencies of agentic
tasks. Each level runs on fresh processes. What counts is the time from when all its rollouts are live
until as many have been sealed: one whole generation of steady work.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict

import httpx
import numpy as np

from bench.gateway import COMMAND, OUTPUT, REPLY, SYSTEM, TASK, TOOL
from bench.platform import Plan, Platform, platform
from bench.stubs.learner import StubLearner, StubSchedule
from bench.stubs.traffic import Traffic
from bench.table import table
from bench.tiny_model import write_tiny_model
from bench.usage import Usage, usage
from services.kit.access import Scope
from services.kit.http import http_client
from services.rendering.tokenizer import ModelTokenizer
from services.transport.connection import connect
from services.transport.group_stream import RedisGroupStream
from services.transport.token_store import RedisTokenStore
from services.transport.weight_channel import RedisWeightChannel

GROUP_SIZE = 8
SERVICES = 2
OURS = ("orchestrator", "gateway", "valkey")
STUBS = ("engine", "environment")
_ANSWERED = (
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "bash", "arguments": json.dumps({"command": COMMAND})},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": OUTPUT},
)
_OPENING = ({"role": "system", "content": SYSTEM}, {"role": "user", "content": TASK})


@dataclass(frozen=True)
class Result:
    """One level. `cost` and `held` are CPU seconds and bytes by process, of the window."""

    rollouts: int
    sealed: int
    seconds: float
    ramp_s: float
    added_s: np.ndarray[Any, np.dtype[np.float64]]
    before: dict[str, Usage]
    began: dict[str, Usage]
    ended: dict[str, Usage]
    errors: Counter[str]

    def cost(self, name: str) -> float:
        """CPU seconds of a process for each rollout."""
        return (self.ended[name].cpu_s - self.began[name].cpu_s) / self.sealed

    def held(self, name: str) -> float:
        """Bytes that a process took for each live rollout."""
        return (self.ended[name].bytes - self.before[name].bytes) / self.rollouts

    @property
    def whole_cost(self) -> float:
        return sum(self.cost(name) for name in OURS)

    def added_ms(self, q: float) -> float:
        return float(np.quantile(self.added_s, q)) * 1e3


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench concurrency", description=__doc__)
    parser.add_argument("--levels", default="1000,2000,4000", help="rollouts at once")
    parser.add_argument("--speed", type=float, default=1.0, help="latencies are divided by this")
    options = parser.parse_args(argv)
    traffic = Traffic()
    traffic = replace(traffic, think_s=traffic.think_s / options.speed, work_s=traffic.work_s / options.speed)
    print(f"{os.cpu_count()} cores shared by all processes; load average {os.getloadavg()[0]:.2f}")
    print(
        f"{traffic.turns:g} turns: model call {traffic.think_s:g} s (median, sigma {traffic.think_sigma:g})"
    )
    print(f"and command {traffic.work_s:g} s (median, sigma {traffic.work_sigma:g}), lognormal\n", flush=True)
    results = []
    for level in map(int, options.levels.split(",")):
        results.append(measured(level, traffic))
        print(f"{level:,} rollouts: {results[-1].seconds:.0f} s, {results[-1].sealed:,} sealed", flush=True)
    report(results)


def measured(rollouts: int, traffic: Traffic) -> Result:
    with TemporaryDirectory() as folder:
        model = write_tiny_model(Path(folder) / "model", [SYSTEM, TASK, OUTPUT, REPLY, json.dumps(TOOL)])
        with platform(plan(rollouts, traffic, model), Path(folder)) as running:
            return asyncio.run(_measured(rollouts, running))


def plan(rollouts: int, traffic: Traffic, model: Path) -> Plan:
    tokenizer = ModelTokenizer(model)
    ids = [*tokenizer.encode(REPLY), tokenizer.convert_tokens_to_ids("<|im_end|>")]
    script = {"opening": _OPENING, "answered": _ANSWERED, "tools": [TOOL]}
    environments = [
        {
            "name": f"stub{number}",
            "traffic": vars(traffic),
            "script": script,
            "capacity": rollouts // SERVICES,
            "heartbeat_s": 2.0,
        }
        for number in range(SERVICES)
    ]
    orchestrator = {
        "GROUP_SIZE": GROUP_SIZE,
        "GROUPS_PER_STEP": 16,
        "MAX_STALENESS": 1_000,
        "MAX_CONCURRENT_ROLLOUTS": rollouts,
        "LEASE_S": 15,
        "ADMISSION": "paused",
    }
    return Plan(orchestrator, environments, {"traffic": vars(traffic), "ids": ids}, model)


async def _measured(rollouts: int, running: Platform) -> Result:
    redis = connect(running.redis_url)
    tokens = RedisTokenStore(redis)
    async with (
        http_client(
            base_url=running.orchestrator_url, token=running.token(Scope.LEARNER), timeout_s=60
        ) as client,
        http_client(
            base_url=running.orchestrator_url, token=running.token(Scope.ADMIN), timeout_s=60
        ) as admin,
    ):
        learner = StubLearner(
            RedisGroupStream(redis), tokens, RedisWeightChannel(redis), client, StubSchedule(16), _ignore
        )
        training = asyncio.create_task(learner.run())
        try:
            result = await _window(rollouts, running, admin, training)
        finally:
            training.cancel()
            await asyncio.gather(training, return_exceptions=True)
    await redis.aclose()
    return result


async def _window(
    rollouts: int, running: Platform, admin: httpx.AsyncClient, training: asyncio.Task[None]
) -> Result:
    before, opened = usage(), time.monotonic()
    (await admin.put("/v1/admission", json={"state": "open"})).raise_for_status()
    while (await _progress(admin))["in_flight"] < rollouts - 2 * GROUP_SIZE:
        await _rest(training)
    began, started, wall = usage(), time.monotonic(), time.time()
    sealed = (await _progress(admin))["sealed"]
    while (now := await _progress(admin))["sealed"] < sealed + rollouts:
        await _rest(training)
    return Result(
        rollouts=rollouts,
        sealed=now["sealed"] - sealed,
        seconds=time.monotonic() - started,
        ramp_s=started - opened,
        added_s=_added_s(running.store_file, wall),
        before=before,
        began=began,
        ended=usage(),
        errors=now["errors"],
    )


async def _rest(training: asyncio.Task[None]) -> None:
    if training.done():
        await training
    await asyncio.sleep(0.5)


class _Progress(TypedDict):
    sealed: int
    in_flight: int
    errors: Counter[str]


async def _progress(admin: httpx.AsyncClient) -> _Progress:
    progress = (await admin.get("/v1/progress")).raise_for_status().json()
    counts = progress["rollouts"]
    errors = Counter[str](counts["failed_by_cause"]) + Counter(counts["retried_by_cause"])
    return {
        "sealed": counts["sealed"],
        "in_flight": sum(environment["in_flight"] for environment in progress["environments"]),
        "errors": errors + Counter(unaccounted=abs(progress["conservation_error"])),
    }


def _added_s(store_file: Path, since: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Seconds that each model call took beyond the engine's, of rollouts that ended in the window."""
    with closing(sqlite3.connect(f"file:{store_file}?mode=ro", uri=True)) as database:
        told = database.execute("SELECT details FROM attempts WHERE ended_at > ? AND reward >= 0", (since,))
        return np.array([added for (details,) in told for added in json.loads(details)["added_s"]])


def _ignore(_: object) -> None:
    pass


def report(results: Sequence[Result]) -> None:
    rows = [
        [
            f"{result.rollouts:,}",
            f"{result.sealed / result.seconds:.1f}",
            f"{result.added_ms(0.5):.1f}",
            f"{result.added_ms(0.99):.1f}",
            f"{result.ramp_s:.0f}",
            ", ".join(f"{count} {cause}" for cause, count in result.errors.items()) or "none",
        ]
        for result in results
    ]
    print()
    print(table(["at once", "rollouts/s", "added p50 ms", "added p99 ms", "ramp s", "errors"], rows), "\n")
    names = (*OURS, *STUBS)
    costs = [[f"{r.rollouts:,}", *(f"{r.cost(name) * 1e3:.1f}" for name in names)] for r in results]
    print(table(["CPU ms of a rollout", *names], costs), "\n")
    held = [[f"{r.rollouts:,}", *(f"{r.held(name) / 1e3:,.0f}" for name in names)] for r in results]
    print(table(["kB of a live rollout", *names], held), "\n")
    peaks = [[f"{r.rollouts:,}", *(f"{r.ended[name].peak / 1e6:,.0f}" for name in names)] for r in results]
    print(table(["peak MB", *names], peaks), "\n")
    print(json.dumps(figures(results)))


def figures(results: Sequence[Result]) -> dict[str, float]:
    """What the last line says; the ratio is to the smallest level."""
    least, found = results[0], dict[str, float]()
    for result in results:
        level = result.rollouts
        found |= {
            f"rollouts_s_{level}": round(result.sealed / result.seconds, 2),
            f"added_p50_ms_{level}": round(result.added_ms(0.5), 2),
            f"added_p99_ms_{level}": round(result.added_ms(0.99), 2),
            f"cpu_s_{level}": round(result.whole_cost, 5),
            f"cost_ratio_{level}": round(result.whole_cost / least.whole_cost, 3),
            f"peak_bytes_{level}": result.ended["orchestrator"].peak,
        }
    return found | {"errors": sum(result.errors.total() for result in results)}
