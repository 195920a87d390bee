"""Real servers with scripted behaviour: an environment service, and an engine's control plane."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import uvicorn
from fastapi import FastAPI, Response

from services.contracts.cause import Cause
from services.contracts.environment import (
    Heartbeat,
    HeartbeatReply,
    LiveRollout,
    Manifest,
    Registration,
    RolloutRequest,
)
from services.contracts.outcome import Outcome
from services.contracts.token_record import CallHeader, TokenArrays, TokenRecord, VersionSpan
from services.contracts.words import new_id
from services.kit.http import http_client
from services.transport.token_store import TokenStore


@asynccontextmanager
async def served(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    """Serve an app in this event loop; yields its address."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="error",
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    while not server.started:
        if serving.done():
            await serving
            raise RuntimeError("the server did not start")
        await asyncio.sleep(0.005)
    try:
        host, bound = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{bound}"
    finally:
        server.should_exit = True
        await serving


async def until(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    """Wait until something holds, or fail."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


async def keep_record(
    tokens: TokenStore, rollout_id: str, attempt: int, version: int = 0, index: int = 0
) -> TokenRecord:
    """A model call, as the gateway would keep it."""
    prompt, sampled = np.arange(5, dtype=np.int32), np.arange(3, dtype=np.int32)
    arrays = TokenArrays.of(prompt, sampled, np.full(3, -0.5, dtype=np.float32), prompt)
    header = CallHeader(
        rollout_id=rollout_id,
        attempt=attempt,
        call_id=new_id(),
        index=index,
        branch=0,
        parent=None,
        prompt_tokens=5,
        sampled_tokens=3,
        versions=(VersionSpan(version, 0, 3),),
        engine="e",
        temperature=1.0,
        finish_reason="stop",
        messages=({"role": "user", "content": "do it"}, {"role": "assistant", "content": "done"}),
        digest=arrays.digest(),
    )
    record = TokenRecord(header, arrays)
    await tokens.append(record)
    return record


def completed(request: RolloutRequest, reward: float = 1.0) -> Outcome:
    return Outcome(
        rollout_id=request.rollout_id,
        attempt=request.attempt,
        cause=Cause.COMPLETED,
        reward=reward,
        components={"tests": reward},
        turns=1,
        seconds=0.1,
    )


def failed(request: RolloutRequest, cause: Cause, error: str = "it broke") -> Outcome:
    return Outcome(rollout_id=request.rollout_id, attempt=request.attempt, cause=cause, error=error)


Behaviour = Callable[[RolloutRequest], Awaitable[Outcome | None]]


@dataclass
class ScriptedEnvironment:
    """Runs `behaviour` for each rollout and reports what it returns; None reports nothing.

    `answer`: the status of POST /v1/rollouts instead of 202, if set. `forgetful`: it starts the rollout
    and answers 503 all the same.
    """

    behaviour: Behaviour
    name: str = "scripted"
    capacity: int = 64
    splits: dict[str, int] = field(default_factory=lambda: {"train": 100, "evaluation": 10})
    answer: int | None = None
    forgetful: bool = False
    beats: bool = True
    manifest: dict[str, Any] = field(default_factory=dict)
    requests: list[RolloutRequest] = field(default_factory=list)
    replies: list[httpx.Response] = field(default_factory=list)
    running: dict[tuple[str, int], asyncio.Task[None]] = field(default_factory=dict)
    stopped: list[LiveRollout] = field(default_factory=list)
    url: str = ""
    dispatch_token: str = "d"
    client: httpx.AsyncClient = field(init=False)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/manifest")
        async def manifest() -> dict[str, Any]:
            told = Manifest(name=self.name, version="1", splits=self.splits, capacity=self.capacity)
            return told.model_dump(mode="json") | self.manifest

        @app.post("/v1/rollouts")
        async def start(request: RolloutRequest, response: Response) -> dict[str, str]:
            if self.answer is not None:
                response.status_code = self.answer
                return {}
            response.status_code = 503 if self.forgetful else 202
            key = (request.rollout_id, request.attempt)
            if key not in self.running:
                self.requests.append(request)
                self.running[key] = asyncio.create_task(self._run(request))
            return {}

        return app

    async def _run(self, request: RolloutRequest) -> None:
        outcome = await self.behaviour(request)
        if outcome is not None:
            await self.report(request, outcome)
        if outcome is not None or not self.beats:
            self.running.pop((request.rollout_id, request.attempt), None)

    async def report(self, request: RolloutRequest, outcome: Outcome) -> httpx.Response:
        """PUT until acknowledged or refused for good."""
        headers = {"authorization": f"Bearer {request.report_token}"}
        body = outcome.model_dump(mode="json")
        while True:
            try:
                reply = await self.client.put(request.report_url, json=body, headers=headers)
            except httpx.HTTPError:
                reply = httpx.Response(503)
            if reply.status_code < 500:
                self.replies.append(reply)
                return reply
            await asyncio.sleep(0.05)

    async def beat(self, client: httpx.AsyncClient) -> None:
        """Heartbeats until cancelled; stops what it is told to stop, registers when it is unknown."""
        while True:
            if self.beats:
                running = tuple(LiveRollout(rollout_id=key[0], attempt=key[1]) for key in self.running)
                await self._beat(client, Heartbeat(running=running))
            await asyncio.sleep(0.1)

    async def _beat(self, client: httpx.AsyncClient, heartbeat: Heartbeat) -> None:
        try:
            reply = await client.post(
                f"/v1/environments/{self.name}/heartbeat", json=heartbeat.model_dump(mode="json")
            )
            told = HeartbeatReply.model_validate_json(reply.content)
        except (httpx.HTTPError, ValueError):
            return
        if not told.registered:
            await self.register(client)
        for stop in told.stop:
            self.stopped.append(stop)
            task = self.running.pop((stop.rollout_id, stop.attempt), None)
            if task is not None:
                task.cancel()

    async def register(self, client: httpx.AsyncClient, share: float = 1.0) -> httpx.Response:
        registration = Registration(
            name=self.name, url=self.url, dispatch_token=self.dispatch_token, share=share
        )
        return await client.post("/v1/environments", json=registration.model_dump(mode="json"))


@asynccontextmanager
async def environment(
    scripted: ScriptedEnvironment, client: httpx.AsyncClient, share: float = 1.0
) -> AsyncIterator[ScriptedEnvironment]:
    """Serve a scripted environment, registered and sending heartbeats."""
    async with served(scripted.app()) as url, http_client() as reporter:
        scripted.url, scripted.client = url, reporter
        reply = await scripted.register(client, share)
        assert reply.status_code == 201, reply.text
        beating = asyncio.create_task(scripted.beat(client))
        try:
            yield scripted
        finally:
            tasks = [beating, *scripted.running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class ScriptedEngine:
    """The control routes of an engine. `fail_update`: what an update answers instead of success."""

    version: str = "default"
    paused: bool = False
    fail_update: str | None = None
    lies: bool = False
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/model_info")
        async def model_info() -> dict[str, str]:
            return {"model_path": "m", "weight_version": self.version}

        @app.get("/v1/loads")
        async def loads() -> dict[str, Any]:
            return {"loads": [{"num_running_reqs": 2, "num_waiting_reqs": 1, "gen_throughput": 50.0}]}

        @app.post("/pause_generation")
        async def pause(body: dict[str, Any]) -> dict[str, str]:
            self.calls.append(("pause", body))
            self.paused = True
            return {"status": "ok", "message": ""}

        @app.post("/continue_generation")
        async def resume(body: dict[str, Any]) -> dict[str, str]:
            self.calls.append(("continue", body))
            self.paused = False
            return {"status": "ok", "message": ""}

        @app.post("/update_weights_from_disk")
        async def update(body: dict[str, Any], response: Response) -> dict[str, Any]:
            self.calls.append(("update", {**body, "paused": self.paused}))
            if self.fail_update is not None:
                response.status_code = 400
                return {"success": False, "message": self.fail_update, "num_paused_requests": 0}
            if not self.lies:
                self.version = body["weight_version"]
            return {"success": True, "message": "", "num_paused_requests": 0}

        return app

    def called(self, name: str) -> list[Any]:
        return [body for called, body in self.calls if called == name]
