"""The orchestrator as an environment hears it: it takes registrations, heartbeats and outcomes."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from services.contracts.environment import HeartbeatReply, LiveRollout

Ref = tuple[str, int]
Heard = TypeVar("Heard")


@dataclass(frozen=True)
class Report:
    """One `PUT` of an outcome, as it came."""

    body: bytes
    authorization: str | None


@dataclass
class Ear:
    """Remembers all that it hears.

    `answers` holds the next statuses for an attempt's reports; after them comes 200. `unwanted` is what
    heartbeats are told to stop.
    """

    reports: dict[Ref, list[Report]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[Ref, list[int]] = field(default_factory=lambda: defaultdict(list))
    registrations: list[bytes] = field(default_factory=list)
    heartbeats: list[bytes] = field(default_factory=list)
    unwanted: tuple[LiveRollout, ...] = ()
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def mount(self, app: FastAPI) -> None:
        """Serve the orchestrator's side of the contract."""
        app.post("/v1/environments", status_code=201)(self._register)
        app.post("/v1/environments/{name}/heartbeat")(self._beat)
        app.put("/v1/rollouts/{rollout_id}/attempts/{attempt}/outcome")(self._report)

    def forget(self) -> None:
        """As an orchestrator without its records: heartbeats hear that nobody is registered."""
        self.registrations.clear()

    async def nth(self, heard: Sequence[Heard], number: int, timeout_s: float) -> Heard | None:
        """The entry of that number (from 1), or None if it does not come in time."""
        try:
            async with asyncio.timeout(timeout_s), self._news:
                await self._news.wait_for(lambda: len(heard) >= number)
        except TimeoutError:
            return None
        return heard[number - 1]

    async def _register(self, request: Request) -> Response:
        await self._hear(self.registrations, await request.body())
        return JSONResponse({}, 201)

    async def _beat(self, name: str, request: Request) -> HeartbeatReply:
        await self._hear(self.heartbeats, await request.body())
        return HeartbeatReply(stop=self.unwanted, registered=bool(self.registrations))

    async def _report(self, rollout_id: str, attempt: int, request: Request) -> Response:
        ref = (rollout_id, attempt)
        report = Report(await request.body(), request.headers.get("authorization"))
        answers = self.answers[ref]
        status = answers.pop(0) if answers else 200
        await self._hear(self.reports[ref], report)
        return JSONResponse({}, status)

    async def _hear(self, heard: list[Heard], news: Heard) -> None:
        async with self._news:
            heard.append(news)
            self._news.notify_all()
