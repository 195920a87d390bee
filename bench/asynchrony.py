"""`python -m bench asynchrony`: the same orchestrator with and without a barrier, under a heavy tail.

Real orchestrator, gateway and Valkey; the engine of stubs decodes as many sequences as rollouts may be
live, each at one speed. Synchronous is `MAX_STALENESS=0`: a step's groups are opened once the step before
has been trained and its weights are on the engine. Asynchronous is the same with a greater bound, and
nothing else. A rollout is as long as its turns, whose number is lognormal.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from bench.chaos.books import ks_p
from bench.platform import Plan, Platform, platform
from bench.stubs.learner import StubLearner, StubSchedule
from bench.stubs.traffic import Traffic
from bench.table import table
from bench.tiny_model import write_tiny_model
from services.contracts.sealed_group import SealedGroup
from services.kit.access import Scope
from services.kit.http import http_client
from services.rendering.tokenizer import ModelTokenizer
from services.transport.connection import connect
from services.transport.group_stream import RedisGroupStream
from services.transport.token_store import RedisTokenStore
from services.transport.weight_channel import RedisWeightChannel

TRAFFIC = Traffic(
    turns=6.0, turns_sigma=1.0, most_turns=120, think_s=0.27, think_sigma=0.0, work_s=0.03, work_sigma=0.0
)
_TURN_S = TRAFFIC.think_s + TRAFFIC.work_s
_SAID = "I look at the next file and go on."
_OPENING = ({"role": "user", "content": "Go on until you are told to stop."},)
_ANSWERED = ({"role": "assistant", "content": _SAID}, {"role": "user", "content": "Go on."})


@dataclass(frozen=True)
class Shape:
    """Both modes have `groups` of `group_size` rollouts at once, and as many groups in a step."""

    groups: int = 12
    group_size: int = 4
    step_s: float = 0.5
    sync_steps: int = 5
    async_s: float = 60.0
    warm_s: float = 36.0
    max_staleness: int = 8

    @property
    def slots(self) -> int:
        return self.groups * self.group_size


@dataclass
class Window:
    """What was trained after step `first`, step by step, and of what. Lengths are turns."""

    first: int = 0
    seconds: float = 0.0
    tokens: int = 0
    busy_s: float = 0.0
    steps: dict[int, list[int]] = field(default_factory=dict)
    admitted: list[int] = field(default_factory=list)
    staleness_max: int = 0
    staleness_mean: float = 0.0
    stale_groups: int = 0

    @property
    def rate(self) -> float:
        """Trained tokens a second."""
        return self.tokens / self.seconds

    @property
    def trained(self) -> list[int]:
        return [turns for step in self.steps.values() for turns in step]

    @property
    def bound(self) -> float:
        """What a step waits for, the longest, over what it takes on average."""
        return sum(map(max, self.steps.values())) / sum(map(fmean, self.steps.values()))


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench asynchrony", description=__doc__)
    parser.add_argument("--sync-steps", type=int, default=Shape.sync_steps)
    parser.add_argument("--async-s", type=float, default=Shape.async_s, help="seconds that are measured")
    parser.add_argument("--staleness", type=int, default=Shape.max_staleness)
    options = parser.parse_args(argv)
    shape = Shape(sync_steps=options.sync_steps, async_s=options.async_s, max_staleness=options.staleness)
    print(f"{os.cpu_count()} cores; load average {os.getloadavg()[0]:.2f}; {shape.slots} rollouts at once")
    print(f"turns of a rollout: lognormal, median {TRAFFIC.turns:g}, sigma {TRAFFIC.turns_sigma:g}, ", end="")
    print(f"at most {TRAFFIC.most_turns}; {_TURN_S:g} s a turn\n", flush=True)
    synchronous = measured(shape, 0)
    report(shape, synchronous, measured(shape, shape.max_staleness))


def measured(shape: Shape, max_staleness: int) -> Window:
    with TemporaryDirectory() as folder:
        model = write_tiny_model(Path(folder) / "model", [_SAID, str(_OPENING)])
        with platform(plan(shape, max_staleness, model), Path(folder)) as running:
            return asyncio.run(_measured(shape, max_staleness, running))


def plan(shape: Shape, max_staleness: int, model: Path) -> Plan:
    tokenizer = ModelTokenizer(model)
    ids = [*tokenizer.encode(_SAID), tokenizer.convert_tokens_to_ids("<|im_end|>")]
    script = {"opening": _OPENING, "answered": _ANSWERED}
    traffic = vars(TRAFFIC)
    environment = {"name": "stub", "traffic": traffic, "script": script, "capacity": shape.slots}
    orchestrator = {
        "GROUP_SIZE": shape.group_size,
        "GROUPS_PER_STEP": shape.groups,
        "MAX_STALENESS": max_staleness,
        "MAX_CONCURRENT_ROLLOUTS": shape.slots,
        "ENGINE_POLL_S": 0.1,
        "LEASE_S": 15,
    }
    return Plan(orchestrator, [environment], {"traffic": traffic, "ids": ids}, model)


async def _measured(shape: Shape, max_staleness: int, running: Platform) -> Window:
    redis = connect(running.redis_url)
    window, token = Window(), running.token(Scope.LEARNER)
    schedule = StubSchedule(shape.groups, shape.step_s, publish=True, max_staleness=max_staleness)
    async with http_client(base_url=running.orchestrator_url, token=token, timeout_s=60) as client:

        def on_trained(group: SealedGroup) -> None:
            if learner.step <= window.first:
                return
            turns = [TRAFFIC.turns_of(rollout.rollout_id) for rollout in group.rollouts]
            window.steps.setdefault(learner.step, []).extend(turns)
            window.tokens += sum(rollout.sampled_tokens for rollout in group.rollouts)

        learner = StubLearner(
            RedisGroupStream(redis),
            RedisTokenStore(redis),
            RedisWeightChannel(redis),
            client,
            schedule,
            on_trained,
        )
        training = asyncio.create_task(learner.run())
        try:
            await _reach(1, learner, training)
            if max_staleness:
                await asyncio.sleep(shape.warm_s)
            window.steps, window.tokens, window.first = {}, 0, learner.step
            started, busy_s = time.monotonic(), await _busy_s(running)
            if max_staleness:
                await asyncio.sleep(shape.async_s)
            await _reach(window.first + shape.sync_steps, learner, training)
            window.seconds = time.monotonic() - started
            window.busy_s = await _busy_s(running) - busy_s
        finally:
            training.cancel()
            await asyncio.gather(training, return_exceptions=True)
    await redis.aclose()
    _read(window, running.store_file)
    return window


async def _reach(step: int, learner: StubLearner, training: asyncio.Task[None]) -> None:
    while learner.step < step:
        if training.done():
            await training
        await asyncio.sleep(0.02)


async def _busy_s(running: Platform) -> float:
    async with http_client(timeout_s=10) as client:
        return float((await client.get(f"{running.engine_url}/busy")).json()["busy_s"])


def _read(window: Window, store_file: Path) -> None:
    """What the record says: staleness of what was trained, what was too old, and all that was admitted."""
    with closing(sqlite3.connect(f"file:{store_file}?mode=ro", uri=True)) as database:
        trained = "SELECT max(staleness), avg(staleness) FROM groups WHERE state = 'trained'"
        window.staleness_max, window.staleness_mean = database.execute(trained).fetchone()
        stale = "SELECT count(*) FROM groups WHERE state = 'dropped' AND reason = 'stale'"
        window.stale_groups = database.execute(stale).fetchone()[0]
        admitted = database.execute("SELECT rollout_id FROM rollouts")
        window.admitted = [TRAFFIC.turns_of(rollout_id) for (rollout_id,) in admitted]


def report(shape: Shape, synchronous: Window, asynchronous: Window) -> None:
    rows = [
        [
            name,
            f"{window.rate:.0f}",
            f"{window.busy_s / (window.seconds * shape.slots):.2f}",
            len(window.steps),
            f"{window.seconds:.0f}",
            f"{window.staleness_mean:.1f}",
            window.staleness_max,
            window.stale_groups,
            f"{fmean(window.trained):.1f}",
            f"{fmean(window.admitted):.1f}",
        ]
        for name, window in (("synchronous", synchronous), ("asynchronous", asynchronous))
    ]
    head = ["", "trained tokens/s", "engine busy", "steps", "s", "staleness", "max", "stale groups"]
    print(table([*head, "turns trained", "admitted"], rows), "\n")
    speedup = asynchronous.rate / synchronous.rate
    figures = {
        "speedup": speedup,
        "fraction_of_bound": speedup / synchronous.bound,
        "bound": synchronous.bound,
        "staleness_max": asynchronous.staleness_max,
        "staleness_allowed": shape.max_staleness,
        "utilisation_sync": synchronous.busy_s / (synchronous.seconds * shape.slots),
        "utilisation_async": asynchronous.busy_s / (asynchronous.seconds * shape.slots),
        "length_bias": fmean(asynchronous.trained) / fmean(asynchronous.admitted),
        "length_ks_p": ks_p(asynchronous.trained, asynchronous.admitted),
        "stale_groups": asynchronous.stale_groups,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
