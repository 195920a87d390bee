"""A scripted model and an orchestrator's ear, as real servers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from environments.artifacts import Artifacts
from environments.host import Host
from environments.metrics import EnvironmentMetrics
from services.contracts.environment import LiveRollout, ModelAccess, RolloutRequest, TaskRef
from services.contracts.words import new_id
from services.kit.http import http_client
from services.kit.serve import serving
from services.sandbox.bubblewrap import BubblewrapSandboxes

Json = dict[str, Any]
Move = str | Json | Response
Script = Callable[[list[Json]], Move]


@asynccontextmanager
async def served(app: FastAPI, folder: Path, port: int = 0) -> AsyncIterator[str]:
    """The address of `app`, which is served meanwhile."""
    ready = folder / f"{new_id()}.ready"
    async with serving(app, "127.0.0.1", port, ready):
        while not ready.exists():
            await asyncio.sleep(0.005)
        yield ready.read_text()


class ScriptedModel:
    """Plays `/v1/chat/completions`: the script says the next move after the messages so far.

    A move is a bash command, a whole assistant message, or an HTTP response; "" says that it is done.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Json] = []
        self.keys: list[str] = []
        self.idempotency_keys: list[str] = []
        self.delay_s = 0.0
        self.app = FastAPI()
        self.app.post("/v1/chat/completions")(self._complete)

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers["authorization"])
        self.idempotency_keys.append(request.headers["idempotency-key"])
        await asyncio.sleep(self.delay_s)
        move = self.script(body["messages"])
        return move if isinstance(move, Response) else JSONResponse(completion(move))


def host_of(name: str, capacity: int, tasks_dir: Path, client: httpx.AsyncClient) -> Host:
    """What an environment service lends to a family in this process."""
    artifacts = Artifacts(tasks_dir.parent / "artifacts", "http://environment")
    return Host(name, capacity, tasks_dir, BubblewrapSandboxes(), client, EnvironmentMetrics(), artifacts)


@asynccontextmanager
async def drops_first(url: str, folder: Path) -> AsyncIterator[str]:
    """A door to `url` that takes the first request whole and breaks off without a reply."""
    app, seen = FastAPI(), 0

    @app.post("/{path:path}")
    async def forward(path: str, request: Request) -> Response:
        nonlocal seen
        seen += 1
        headers = {name: request.headers[name] for name in ("authorization", "idempotency-key")}
        async with http_client() as client:
            reply = await client.post(f"{url}/{path}", content=await request.body(), headers=headers)
        if seen == 1:
            return StreamingResponse(_breaks_off(), headers={"content-length": "100"})
        return Response(reply.content, reply.status_code)

    async with served(app, folder) as door:
        yield door


async def _breaks_off() -> AsyncIterator[bytes]:
    yield b"{"
    raise ConnectionResetError


def completion(move: str | Json, finish_reason: str = "stop", tokens: int = 7) -> Json:
    message = move if isinstance(move, dict) else said(move)
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens},
    }


def said(command: str) -> Json:
    if not command:
        return {"role": "assistant", "content": "done"}
    return {"role": "assistant", "content": "", "tool_calls": [tool_call("bash", {"command": command})]}


def tool_call(name: str, arguments: object) -> Json:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": f"call_{new_id()[:8]}", "type": "function", "function": {"name": name, "arguments": text}}


def moves(*script: Move) -> Script:
    """These moves one after the other, then done."""

    def next_move(messages: list[Json]) -> Move:
        turn = sum(message["role"] == "assistant" for message in messages)
        return script[turn] if turn < len(script) else ""

    return next_move


@dataclass
class OrchestratorEar:
    """Collects registrations, heartbeats and outcomes; `broken` answers with 503, `refuse` with 409."""

    registrations: list[Json] = field(default_factory=list)
    heartbeats: list[Json] = field(default_factory=list)
    outcomes: list[Json] = field(default_factory=list)
    attempts_to_report: int = 0
    broken: bool = False
    refuse: bool = False
    known: bool = True
    stop: Sequence[LiveRollout] = ()
    app: FastAPI = field(default_factory=FastAPI)

    def __post_init__(self) -> None:
        self.app.post("/v1/environments")(self._register)
        self.app.post("/v1/environments/{name}/heartbeat")(self._heartbeat)
        self.app.put("/v1/rollouts/{rollout_id}/attempts/{attempt}/outcome")(self._outcome)

    async def outcome(self, timeout_s: float = 15.0) -> Json:
        """The next outcome."""
        async with asyncio.timeout(timeout_s):
            while not self.outcomes:
                await asyncio.sleep(0.005)
        return self.outcomes.pop(0)

    async def _register(self, request: Request) -> Json:
        assert request.headers["authorization"] == "Bearer environment-token"
        self.registrations.append(await request.json())
        self.known = True
        return {}

    async def _heartbeat(self, request: Request, name: str) -> Json:
        self.heartbeats.append(await request.json())
        return {"stop": [ref.model_dump() for ref in self.stop], "registered": self.known}

    async def _outcome(self, request: Request, rollout_id: str, attempt: int) -> Response:
        self.attempts_to_report += 1
        if self.broken:
            return Response(status_code=503)
        if self.refuse:
            return Response(status_code=409)
        assert request.headers["authorization"] == "Bearer report-token"
        self.outcomes.append(await request.json())
        return Response(status_code=200)


def rollout_request(
    model_url: str, report_url: str, index: int = 0, *, deadline_s: float = 30.0, attempt: int = 1
) -> RolloutRequest:
    rollout_id = new_id()
    return RolloutRequest(
        rollout_id=rollout_id,
        attempt=attempt,
        task=TaskRef(split="train", index=index),
        model=ModelAccess(base_url=f"{model_url}/v1", api_key="rollout-key", name="policy"),
        deadline_s=deadline_s,
        report_url=f"{report_url}/v1/rollouts/{rollout_id}/attempts/{attempt}/outcome",
        report_token="report-token",
    )


def write_task(folder: Path, *, tests: str, dockerfile: str | None = None, extra: str = "") -> Path:
    """A small Harbor directory whose task is to write `right` into answer.txt."""
    for name in ("environment/files", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / "task.toml").write_text(f'version = "1.0"\n[task]\nname = "test/{folder.name}"\n{extra}')
    (folder / "instruction.md").write_text("Write right to answer.txt.\n")
    (folder / "environment/Dockerfile").write_text(
        dockerfile or "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY files/ /app/\n"
    )
    (folder / "environment/files/given.txt").write_text("given\n")
    (folder / "tests/test.sh").write_text(f"#!/bin/bash\n{tests}\n")
    return folder


ANSWER_TEST = """
if [ "$(cat /app/answer.txt)" = right ]; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""
