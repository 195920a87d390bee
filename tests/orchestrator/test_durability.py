"""SIGKILL of the orchestrator and amnesia of Redis: slower, never lossy."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from orchestrator.outbox import Outbox
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.contracts.sealed_group import SealedGroup
from services.kit.access import Claims, Scope, Signer
from services.kit.http import http_client
from services.kit.ports import free_port
from services.transport.group_stream import RedisGroupStream
from services.transport.token_store import RedisTokenStore
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import (
    ScriptedEngine,
    ScriptedEnvironment,
    completed,
    environment,
    keep_record,
    served,
    until,
)

STORES = ("sqlite", "postgresql")


@dataclass
class Process:
    """Settings of a real orchestrator process; each start is a new one over the same store."""

    folder: Path
    redis_url: str
    store_url: str
    secret_file: Path
    engine_url: str
    port: int

    @contextmanager
    def running(self, crash_at: str = "") -> Iterator[subprocess.Popen[bytes]]:
        settings = {
            "PORT": str(self.port),
            "READY_FILE": str(self.folder / "ready"),
            "REDIS_URL": self.redis_url,
            "STORE_URL": self.store_url,
            "SECRET_FILE": str(self.secret_file),
            "ENGINES": f'["{self.engine_url}"]',
            "ENGINE_POLL_S": "0.05",
            "GROUP_SIZE": "2",
            "GROUPS_PER_STEP": "2",
            "MAX_STALENESS": "0",
            "LEASE_S": "3",
            "CRASH_AT": crash_at,
        }
        values = {f"PODIUM_ORCHESTRATOR_{name}": value for name, value in settings.items()}
        (self.folder / "ready").unlink(missing_ok=True)
        process = subprocess.Popen([sys.executable, "-m", "orchestrator"], env={**os.environ, **values})
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    async def ready(self) -> None:
        await until((self.folder / "ready").exists, 60)


@pytest.fixture
async def process(
    tmp_path: Path, redis_url: str, store_url: str, secret_file: Path
) -> AsyncIterator[Process]:
    async with served(ScriptedEngine().app()) as engine_url:
        yield Process(tmp_path, redis_url, store_url, secret_file, engine_url, free_port())


@pytest.fixture
async def admin(process: Process, signer: Signer) -> AsyncIterator[httpx.AsyncClient]:
    token = signer.mint(Claims(Scope.ADMIN), 600)
    async with http_client(base_url=f"http://127.0.0.1:{process.port}", token=token) as client:
        yield client


@asynccontextmanager
async def registered(
    tokens: RedisTokenStore, client: httpx.AsyncClient, seconds: float
) -> AsyncIterator[ScriptedEnvironment]:
    async def behaviour(request: RolloutRequest) -> Outcome:
        await asyncio.sleep(seconds)
        await keep_record(tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with environment(ScriptedEnvironment(behaviour), client) as scripted:
        yield scripted


async def groups_of(stream: RedisGroupStream, number: int) -> list[SealedGroup]:
    async with asyncio.timeout(30):
        while await stream.backlog() < number:
            await asyncio.sleep(0.05)
    return [delivery.group for delivery in await stream.read(100, 0.1)]


@pytest.mark.parametrize("crash_at", ["before_append:1", "after_append:2"])
async def test_a_kill_around_the_append_loses_no_group(
    process: Process, admin: httpx.AsyncClient, redis: Redis, crash_at: str
) -> None:
    """Between the commit of a sealed group and the end of its outbox row: it arrives, perhaps twice."""
    stream, tokens = RedisGroupStream(redis), RedisTokenStore(redis)
    entries = 3 if crash_at.startswith("after") else 2
    with process.running(crash_at) as first:
        await process.ready()
        async with registered(tokens, admin, 0.0):
            await until(lambda: first.poll() is not None, 30)
            assert first.returncode == -signal.SIGKILL
            with process.running():
                await process.ready()
                async with asyncio.timeout(30):
                    while len(await stream.group_ids()) < 2 or await stream.backlog() < entries:
                        await asyncio.sleep(0.05)
                progress = (await admin.get("/v1/progress")).json()
                ids = {group["group_id"] for group in (await admin.get("/v1/groups")).json()["groups"]}
    assert await stream.group_ids() == ids
    assert len(ids) == 2  # max_staleness 0: exactly what one version consumes
    assert progress["conservation_error"] == 0
    assert (await stream.backlog() > 2) == (entries > 2)


async def test_rollouts_outlive_the_orchestrator(
    process: Process, admin: httpx.AsyncClient, redis: Redis
) -> None:
    """Killed while they run: their environment goes on, reports, and nothing starts twice."""
    stream, tokens = RedisGroupStream(redis), RedisTokenStore(redis)
    with process.running() as first:
        await process.ready()
        async with registered(tokens, admin, 2.0) as scripted:
            await until(lambda: len(scripted.requests) == 4)
            evaluation = {"environment": "scripted", "rollouts": 3}
            reply = await admin.post("/v1/evaluations", json=evaluation)
            evaluation_id = reply.json()["evaluation_id"]
            first.kill()
            with process.running():
                await process.ready()
                groups = await groups_of(stream, 2)
                async with asyncio.timeout(20):
                    while True:
                        found = (await admin.get(f"/v1/evaluations/{evaluation_id}")).json()
                        if found["state"] == "finished":
                            break
                        await asyncio.sleep(0.1)
                progress = (await admin.get("/v1/progress")).json()
    assert {rollout.attempt for group in groups for rollout in group.rollouts} == {1}
    assert len(scripted.requests) == 7
    assert (found["completed"], found["mean_reward"]) == (3, 1.0)
    assert progress["conservation_error"] == 0
    assert progress["rollouts"]["failed_by_cause"] == {}


async def test_what_redis_forgets_is_put_back(start: Start, redis: Redis) -> None:
    """FLUSHALL between the append and the learner: the reconciler finds the groups missing twice."""
    stream = RedisGroupStream(redis)

    async def behaviour(request: RolloutRequest) -> Outcome:
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with start(max_staleness=0) as running, environment(ScriptedEnvironment(behaviour), running.client):
        await until(lambda: running.parts.overview.progress().rollouts.live == 0)
        await until(lambda: running.parts.outbox.backlog == 2)
        outbox = Outbox(running.parts.store, stream)
        assert await stream.backlog() == 0
        await outbox.reconcile()
        await outbox.relay()
        assert await stream.backlog() == 0  # missing once may mean acknowledged a moment ago
        await outbox.reconcile()
        await outbox.relay()
        ids = await stream.group_ids()
        assert ids == set(running.parts.board.groups)
        assert len(ids) == 2
        for _ in range(3):
            await outbox.reconcile()
            await outbox.relay()
        assert await stream.backlog() == 2


async def test_a_misspelt_setting_stops_the_process(process: Process) -> None:
    variables = {**os.environ, "PODIUM_ORCHESTRATOR_GROUPSIZE": "3"}
    command = [sys.executable, "-m", "orchestrator"]
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "PODIUM_ORCHESTRATOR_GROUPSIZE" in ended.stderr
    assert "PODIUM_ORCHESTRATOR_GROUP_SIZE" in ended.stderr
