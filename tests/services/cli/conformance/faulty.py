"""A small environment that keeps the contract, except where it is told to break it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI, Header, HTTPException, Request, Response

from services.contracts.environment import (
    Heartbeat,
    HeartbeatReply,
    LiveRollout,
    Manifest,
    Registration,
    RolloutRequest,
    TaskCard,
    TaskRef,
)
from services.kit.http import http_client

Json = dict[str, Any]
_AGAIN = (408, 425, 429)


@dataclass
class Attempt:
    request: RolloutRequest
    work: asyncio.Task[None]
    state: str = "running"


@dataclass
class FaultyEnvironment:
    """`faults` names what it does wrong; without any it keeps the contract."""

    faults: frozenset[str] = frozenset()
    orchestrator: str | None = None
    url: str = ""
    registrations: int = 0
    capacity: int = 3
    attempts: dict[str, Attempt] = field(default_factory=dict)
    client: httpx.AsyncClient = field(init=False)

    def app(self) -> FastAPI:
        app = FastAPI(lifespan=self._lifespan)
        app.get("/healthz")(self._healthz)
        app.get("/metrics")(self._metrics)
        app.get("/v1/manifest")(self._manifest)
        app.get("/v1/tasks/{split}/{index}")(self._task)
        app.post("/v1/rollouts", status_code=202)(self._start)
        app.get("/v1/rollouts/{rollout_id}")(self._state)
        app.delete("/v1/rollouts/{rollout_id}", status_code=202)(self._cancel)
        return app

    def wrong(self, fault: str) -> bool:
        return fault in self.faults

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with http_client() as self.client:
            belonging = asyncio.create_task(self._belong())
            yield
            tasks = [belonging, *(attempt.work for attempt in self.attempts.values())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _healthz(self) -> Json:
        if self.wrong("sick"):
            raise HTTPException(503)
        return {}

    async def _metrics(self) -> Response:
        return Response("this is no metric" if self.wrong("garbled metrics") else "podium_x 1\n")

    async def _manifest(self, authorization: str = Header("")) -> Json:
        self._guard(authorization)
        splits = {} if self.wrong("no tasks") else {"train": 2}
        manifest = Manifest(
            name="faulty", version="1", splits=splits, capacity=self.capacity, reward_components=("correct",)
        )
        contract = {"contract": "podium.environment/0"} if self.wrong("another contract") else {}
        return manifest.model_dump(mode="json") | contract

    async def _task(self, split: str, index: int) -> TaskCard:
        if (split != "train" or not 0 <= index < 2) and not self.wrong("endless tasks"):
            raise HTTPException(404)
        text = "" if self.wrong("no instruction") else "Say something."
        return TaskCard(task=TaskRef(split="train", index=index), title="t", instruction=text)

    async def _start(self, request: Request, response: Response, authorization: str = Header("")) -> Json:
        self._guard(authorization)
        wanted = self._wanted(await request.body())
        known = self.attempts.get(wanted.rollout_id)
        if known is not None and not self.wrong("starts twice"):
            if known.request.attempt == wanted.attempt:
                return self._described(known)
            if known.request.attempt > wanted.attempt and not self.wrong("takes old attempts"):
                raise HTTPException(409)
            known.work.cancel()
            known.state = "reported"
        if self._running() >= self.capacity and not self.wrong("never full"):
            told = {} if self.wrong("does not say when") else {"retry-after": "1"}
            raise HTTPException(429, headers=told)
        attempt = Attempt(wanted, asyncio.create_task(asyncio.sleep(0)))
        self.attempts[wanted.rollout_id] = attempt
        attempt.work = asyncio.create_task(self._run(attempt))
        if self.wrong("waits for the end"):
            await asyncio.wait([attempt.work], timeout=6)
        return self._described(attempt)

    def _wanted(self, body: bytes) -> RolloutRequest:
        try:
            wanted = RolloutRequest.model_validate_json(body)
        except ValueError:
            raise HTTPException(500 if self.wrong("breaks on bad bodies") else 422) from None
        if wanted.task.split != "train":
            raise HTTPException(404)
        return wanted

    async def _state(self, rollout_id: str) -> Json:
        return self._described(self._find(rollout_id))

    async def _cancel(self, rollout_id: str) -> Json:
        attempt = self._find(rollout_id)
        if not self.wrong("ignores cancelling"):
            attempt.work.cancel()
        return self._described(attempt)

    def _find(self, rollout_id: str) -> Attempt:
        if rollout_id not in self.attempts:
            raise HTTPException(410 if self.wrong("unknown is gone") else 404)
        return self.attempts[rollout_id]

    def _described(self, attempt: Attempt) -> Json:
        request = attempt.request
        told = {"rollout_id": request.rollout_id, "attempt": request.attempt, "state": attempt.state}
        if self.wrong("odd state"):
            told["state"] = "busy"
        return told | ({"note": request.report_token} if self.wrong("tells secrets") else {})

    def _running(self) -> int:
        return sum(attempt.state == "running" for attempt in self.attempts.values())

    def _guard(self, authorization: str) -> None:
        if authorization != "Bearer dispatch" and not self.wrong("open door"):
            raise HTTPException(401)

    async def _run(self, attempt: Attempt) -> None:
        request = attempt.request
        limit = None if self.wrong("forgets the deadline") else request.deadline_s
        try:
            async with asyncio.timeout(limit):
                outcome = await self._play(request)
        except TimeoutError:
            outcome = {"cause": "environment", "error": "out of time"}
        except asyncio.CancelledError:
            if attempt.state == "reported":
                raise  # taken over
            outcome = {"cause": "cancelled"}
        attempt.state = "reporting"
        await self._report(request, outcome)
        attempt.state = "reported"

    async def _play(self, request: RolloutRequest) -> Json:
        if not self.wrong("asks nobody"):
            key = "my own key" if self.wrong("uses its own key") else request.model.api_key
            reply = await self.client.post(
                f"{request.model.base_url}/chat/completions",
                json={"model": request.model.name, "messages": []},
                headers={"authorization": f"Bearer {key}"},
                timeout=None,
            )
            if reply.is_error and not self.wrong("rewards failure"):
                return {"cause": "engine", "error": reply.text}
        if self.wrong("never scores"):
            return {"cause": "verifier", "error": "no verifier"}
        reward = 7.0 if self.wrong("reward beyond its range") else 1.0
        parts = {"secret bonus": 1.0} if self.wrong("unlisted component") else {"correct": reward}
        return {"cause": "completed", "reward": reward, "components": parts}

    async def _report(self, request: RolloutRequest, outcome: Json) -> None:
        token = "nobody" if self.wrong("reports without its token") else request.report_token
        for turn in range(100):
            seconds = {"seconds": float(turn)} if self.wrong("changes its mind") else {}
            body = {"rollout_id": request.rollout_id, "attempt": request.attempt, **outcome, **seconds}
            reply = await self.client.put(
                request.report_url, json=body, headers={"authorization": f"Bearer {token}"}
            )
            done = reply.is_success or (reply.is_client_error and reply.status_code not in _AGAIN)
            if (done and not self.wrong("never stops reporting")) or self.wrong("reports once"):
                return
            await asyncio.sleep(0.02)

    async def _belong(self) -> None:
        while self.orchestrator:
            known = False
            with contextlib.suppress(httpx.HTTPError, ValueError):
                known = await self._beat(self.orchestrator)
            if not known and not (self.registrations and self.wrong("never registers again")):
                await self._register(self.orchestrator)
            if self.registrations > 1 and self.wrong("falls silent"):
                return
            await asyncio.sleep(0.05)

    async def _register(self, orchestrator: str) -> None:
        name = "somebody-else" if self.wrong("registers as another") else "faulty"
        registration = Registration(name=name, url=self.url, dispatch_token="dispatch")
        with contextlib.suppress(httpx.HTTPError):
            await self.client.post(f"{orchestrator}/v1/environments", json=registration.model_dump())
            self.registrations += 1

    async def _beat(self, orchestrator: str) -> bool:
        live = [
            LiveRollout(rollout_id=a.request.rollout_id, attempt=a.request.attempt)
            for a in self.attempts.values()
            if a.state != "reported" and not self.wrong("empty heartbeats")
        ]
        body = Heartbeat(running=tuple(live)).model_dump_json()
        reply = await self.client.post(f"{orchestrator}/v1/environments/faulty/heartbeat", content=body)
        told = HeartbeatReply.model_validate_json(reply.content)
        for ref in told.stop:
            if ref.rollout_id in self.attempts and not self.wrong("ignores heartbeats' replies"):
                self.attempts[ref.rollout_id].work.cancel()
        return told.registered
