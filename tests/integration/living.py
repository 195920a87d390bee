"""A real orchestrator process with secrets that can be recognised, and a few rollouts that have ended."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from bench.valkey import ValkeyProcess
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.contracts.token_record import CallHeader, TokenArrays, TokenRecord, VersionSpan
from services.contracts.words import new_id
from services.kit.access import Claims, Scope, Signer
from services.kit.http import http_client
from services.transport.connection import connect
from services.transport.token_store import RedisTokenStore, TokenStore
from tests.orchestrator.scripted import ScriptedEngine, ScriptedEnvironment, completed, environment, served

SECRET = "canary-signing-secret-0123456789abcdef"
DISPATCH_TOKEN = "canary-dispatch-token-0123456789"
ENGINE_KEY = "canary-engine-key-0123456789"
ROLLOUTS = 4
CALL = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}


@dataclass
class Living:
    """Where it serves, the files that it was given, and what stands around it."""

    folder: Path
    url: str
    pid: int
    environment: ScriptedEnvironment
    admin: str

    @property
    def arguments(self) -> list[str]:
        """What goes before a command of `podium`."""
        return ["--orchestrator", self.url, "--token-file", str(self.folder / "admin_token")]

    def get(self, path: str, **params: Any) -> Any:
        headers = {"authorization": f"Bearer {self.admin}"}
        reply = httpx.get(self.url + path, params=params, headers=headers, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture(scope="session")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """Its Valkey is its own: what other tests leave in theirs, or empty, is not to reach it."""
    folder, loop = tmp_path_factory.mktemp("living"), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()
    valkey = stack.enter_context(ValkeyProcess(tmp_path_factory.mktemp("living-valkey")))
    try:
        yield asyncio.run_coroutine_threadsafe(_live(stack, folder, valkey.url), loop).result(180)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _live(stack: AsyncExitStack, folder: Path, redis_url: str) -> Living:
    admin = Signer(SECRET).mint(Claims(Scope.ADMIN, holder="ada"), 3600)
    for name, text in {"secret": SECRET, "engine_key": ENGINE_KEY, "admin_token": admin}.items():
        (folder / name).write_text(text)
    redis = connect(redis_url)
    stack.push_async_callback(redis.aclose)
    engine_url = await stack.enter_async_context(served(ScriptedEngine().app()))
    process = stack.enter_context(_process(folder, redis_url, engine_url))
    stack.callback(process.kill)
    url = await _ready(folder / "ready")
    client = await stack.enter_async_context(http_client(base_url=url, token=admin))
    tokens = RedisTokenStore(redis)

    async def behaviour(request: RolloutRequest) -> Outcome:
        await converse(tokens, request.rollout_id, request.attempt)
        return completed(request)

    scripted = ScriptedEnvironment(behaviour, "scripted", dispatch_token=DISPATCH_TOKEN)
    await stack.enter_async_context(environment(scripted, client))
    await _ended(client)
    return Living(folder, url, process.pid, scripted, admin)


def _process(folder: Path, redis_url: str, engine_url: str) -> subprocess.Popen[bytes]:
    settings = {
        "PORT": "0",
        "READY_FILE": str(folder / "ready"),
        "REDIS_URL": redis_url,
        "STORE_URL": f"sqlite:///{folder / 'store.sqlite'}",
        "SECRET_FILE": str(folder / "secret"),
        "ENGINE_KEY_FILE": str(folder / "engine_key"),
        "ENGINES": f'["{engine_url}"]',
        "ENGINE_POLL_S": "0.05",
        "GROUP_SIZE": "2",
        "GROUPS_PER_STEP": "2",
        "MAX_STALENESS": "0",
    }
    values = {f"PODIUM_ORCHESTRATOR_{name}": value for name, value in settings.items()}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator"], env={**os.environ, **values}, stdout=log, stderr=log
        )


async def _ready(file: Path) -> str:
    end = time.monotonic() + 90
    while not file.exists():
        assert time.monotonic() < end, (file.parent / "log").read_text()
        await asyncio.sleep(0.02)
    return file.read_text()


async def _ended(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            found = (await client.get("/v1/rollouts", params={"state": "sealed"})).json()["rollouts"]
            if len(found) == ROLLOUTS:
                return
            await asyncio.sleep(0.05)


async def converse(tokens: TokenStore, rollout_id: str, attempt: int) -> None:
    """Two calls with a tool between them, then a branch that starts anew."""
    task = {"role": "user", "content": "list the files"}
    asks = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    told = {"role": "tool", "tool_call_id": "c1", "content": "a.txt"}
    said = {"role": "assistant", "content": "One file: a.txt"}
    first, second = new_id(), new_id()
    await _keep(tokens, rollout_id, attempt, first, 0, None, 0, (task, asks), [1, 2, 3], [4, 5])
    await _keep(tokens, rollout_id, attempt, second, 1, first, 0, (told, said), [6], [7, 8, 9])
    summary = ({"role": "user", "content": "in short?"}, {"role": "assistant", "content": "a.txt"})
    await _keep(tokens, rollout_id, attempt, new_id(), 2, None, 1, summary, [1, 2], [9])


async def _keep(
    tokens: TokenStore,
    rollout_id: str,
    attempt: int,
    call_id: str,
    index: int,
    parent: str | None,
    branch: int,
    messages: tuple[dict[str, Any], ...],
    prompt: list[int],
    sampled: list[int],
) -> None:
    ids, logprobs = np.asarray(sampled, np.int32), np.full(len(sampled), -0.5, np.float32)
    arrays = TokenArrays.of(np.asarray(prompt, np.int32), ids, logprobs, np.asarray(prompt, np.int32))
    header = CallHeader(
        rollout_id=rollout_id,
        attempt=attempt,
        call_id=call_id,
        index=index,
        branch=branch,
        parent=parent,
        prompt_tokens=len(prompt),
        sampled_tokens=len(sampled),
        versions=(VersionSpan(0, 0, len(sampled)),),
        engine="e",
        temperature=1.0,
        finish_reason="stop",
        messages=messages,
        digest=arrays.digest(),
    )
    await tokens.append(TokenRecord(header, arrays))
