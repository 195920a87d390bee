"""SIGKILL of the learner at every place that matters: nothing is lost, nothing is trained twice."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis

from services.contracts.step import StepReport
from services.transport.group_stream import RedisGroupStream
from services.transport.token_store import RedisTokenStore
from services.transport.weight_channel import RedisWeightChannel
from tests.learner import processes
from tests.learner.synthetic import random_group

STEPS = 4
GROUPS_PER_STEP = 2


@dataclass
class Orchestrator:
    """Takes step reports over HTTP. `answers` keeps every report of a step: a restart may send it again."""

    app: FastAPI = field(default_factory=FastAPI)
    reports: dict[int, list[StepReport]] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        @self.app.put("/v1/steps/{step}")
        def put(step: int, report: StepReport) -> None:
            self.reports.setdefault(step, []).append(report)

    def groups(self) -> list[str]:
        """Group ids in the order of the steps that consumed them."""
        return [group.group_id for step in sorted(self.reports) for group in self.reports[step][-1].groups]


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    orchestrator = Orchestrator()
    server = uvicorn.Server(uvicorn.Config(orchestrator.app, port=0, log_level="critical", ws="none"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    orchestrator.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield orchestrator
    server.should_exit = True
    thread.join()


@pytest.fixture
def settings(
    tmp_path: Path, policy_folder: Path, redis_url: str, orchestrator: Orchestrator
) -> dict[str, object]:
    (tmp_path / "token").write_text("token")
    return {
        "redis_url": redis_url,
        "orchestrator_url": orchestrator.url,
        "token_file": tmp_path / "token",
        "policy": policy_folder,
        "checkpoint_dir": tmp_path / "checkpoints",
        "weights_dir": tmp_path / "weights",
        "groups_per_step": GROUPS_PER_STEP,
        "steps_per_version": 2,
        "max_staleness": 9,
        "max_steps": STEPS,
        "token_budget": 128,
        "learning_rate": 1e-3,
        "log_level": "WARNING",
    }


async def fill(redis: Redis, first: int = 1, count: int = STEPS * GROUPS_PER_STEP) -> list[str]:
    """Groups in the stream with their records; returns the ids."""
    stream, store = RedisGroupStream(redis), RedisTokenStore(redis)
    ids = []
    for number in range(first, first + count):
        group = await random_group(store, np.random.default_rng(number), number=number)
        await stream.append(group)
        ids.append(group.group_id)
    return ids


def parameters(settings: dict[str, object]) -> dict[str, torch.Tensor]:
    newest = sorted(Path(str(settings["checkpoint_dir"])).glob("step-*"))[-1]
    assert newest.name == f"step-{STEPS:08d}"
    loaded: dict[str, torch.Tensor] = torch.load(newest / "parameters.pt", weights_only=True)
    return loaded


@pytest.fixture(scope="session")
def undisturbed() -> dict[str, torch.Tensor]:
    """Parameters of a run without a kill, once a test has made it."""
    return {}


@pytest.mark.parametrize(
    "kills",
    [
        ("after_step:1", "after_step:2"),
        ("in_checkpoint:1", "in_checkpoint:2"),
        ("after_checkpoint:1", "after_checkpoint:2"),
        ("after_acknowledge:1", "after_acknowledge:2"),
        ("in_weights:1", "in_weights:1"),
        ("after_weights:1", "after_weights:1"),
    ],
    ids=lambda kills: kills[0].partition(":")[0],
)
async def test_a_killed_run_ends_bitwise_as_an_undisturbed_one(
    kills: tuple[str, ...],
    settings: dict[str, object],
    redis: Redis,
    orchestrator: Orchestrator,
    undisturbed: dict[str, torch.Tensor],
    tmp_path: Path,
) -> None:
    if not undisturbed:
        await fill(redis)
        quiet = settings | {name: tmp_path / "quiet" / name for name in ("checkpoint_dir", "weights_dir")}
        assert processes.run(quiet, tmp_path / "log") == 0, (tmp_path / "log").read_text()
        undisturbed.update(parameters(quiet))
        await redis.flushall()
        orchestrator.reports.clear()

    ids = await fill(redis)
    for kill in kills:
        assert processes.run(settings | {"crash_at": kill}, tmp_path / "log") == -signal.SIGKILL
    assert processes.run(settings, tmp_path / "log") == 0, (tmp_path / "log").read_text()

    ended = parameters(settings)
    assert all(tensor.equal(ended[name]) for name, tensor in undisturbed.items())
    assert orchestrator.groups() == ids, "each group in exactly one step, in the same order"
    assert [orchestrator.reports[step][-1].weight_version for step in range(1, STEPS + 1)] == [0, 1, 1, 2]
    assert await RedisGroupStream(redis).backlog() == 0
    announced = await RedisWeightChannel(redis).latest()
    assert announced is not None
    assert (announced.version, announced.step) == (2, STEPS)
    for folder in ("checkpoints", "weights"):
        assert not list((tmp_path / folder).glob("*.part"))


async def test_sigterm_in_the_middle_loses_nothing(
    settings: dict[str, object], redis: Redis, orchestrator: Orchestrator, tmp_path: Path
) -> None:
    ids = await fill(redis, count=3)
    with processes.started(settings, tmp_path / "log") as learner:
        while 1 not in orchestrator.reports:
            time.sleep(0.01)
        asked = time.monotonic()
        os.kill(learner.pid or 0, signal.SIGTERM)
        learner.join(10)
        assert learner.exitcode == 0
        assert time.monotonic() - asked < 5
    ids += await fill(redis, first=4, count=5)
    assert processes.run(settings, tmp_path / "log") == 0
    assert orchestrator.groups() == ids


async def test_two_learners_do_not_share_a_folder(
    settings: dict[str, object], redis: Redis, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    with processes.started(settings | {"ready_file": ready}, tmp_path / "log"):
        while not ready.exists():
            time.sleep(0.01)
        assert processes.run(settings, tmp_path / "second") == 1
    assert "another learner works in" in (tmp_path / "second").read_text()


def test_a_misspelt_setting_stops_the_process(settings: dict[str, object], tmp_path: Path) -> None:
    assert processes.run(settings | {"max_stalenes": 3, "loss": "dapo"}, tmp_path / "log") == 2
    said = (tmp_path / "log").read_text()
    assert "did you mean PODIUM_LEARNER_MAX_STALENESS?" in said
    assert "PODIUM_LEARNER_LOSS='dapo'" in said
