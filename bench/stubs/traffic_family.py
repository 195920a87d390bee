"""A task family whose agent says what everybody expects, and takes the time that the traffic says."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from bench.stubs.traffic import Traffic, fraction
from environments.family import Play, Scored
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, TaskCard, TaskRef
from services.kit.failure import Failure

Json = dict[str, Any]


@dataclass(frozen=True)
class Script:
    """A conversation without surprises: how it opens, and what every turn adds once it was answered."""

    opening: Sequence[Json]
    answered: Sequence[Json]
    tools: Sequence[Json] = ()

    def body(self, turn: int) -> bytes:
        said = [*self.opening, *list(self.answered) * turn]
        return json.dumps({"model": "policy", "messages": said, "tools": list(self.tools)}).encode()


@dataclass
class TrafficFamily(AbstractAsyncContextManager["TrafficFamily"]):
    """Implements `environments.family.Family`. Each outcome tells how many seconds each model call took
    beyond those of the engine."""

    manifest: Manifest
    traffic: Traffic
    script: Script
    _bodies: list[bytes] = field(default_factory=list)
    _session: ClientSession = field(init=False)

    async def __aenter__(self) -> "TrafficFamily":
        connector = TCPConnector(limit=self.manifest.capacity, keepalive_timeout=30)
        timeout = ClientTimeout(total=600)
        self._session = ClientSession(connector=connector, timeout=timeout, cookie_jar=DummyCookieJar())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    def card(self, task: TaskRef) -> TaskCard:
        return TaskCard(task=task, title=f"traffic {task.index}", instruction="go on")

    async def run(self, play: Play) -> Scored:
        added = []
        for turn in range(self.traffic.turns_of(play.rollout_id)):
            started = time.perf_counter()
            await self._call(play, self._body(turn))
            took_s = time.perf_counter() - started
            added.append(round(took_s - self.traffic.think(play.rollout_id, turn), 6))
            play.progress.turns += 1
            await asyncio.sleep(self.traffic.work(play.rollout_id, turn))
        reward = float(fraction(f"reward {play.rollout_id}") < 0.5)
        return Scored(Cause.COMPLETED, reward, {"luck": reward}, {"added_s": added})

    def _body(self, turn: int) -> bytes:
        while len(self._bodies) <= turn:
            self._bodies.append(self.script.body(len(self._bodies)))
        return self._bodies[turn]

    async def _call(self, play: Play, body: bytes) -> None:
        headers = {"authorization": f"Bearer {play.model.api_key}", "content-type": "application/json"}
        url = f"{play.model.base_url}/chat/completions"
        try:
            async with self._session.post(url, data=body, headers=headers) as reply:
                said = await reply.read()
        except (ClientError, TimeoutError) as error:
            raise Failure(f"the gateway: {error!r}", cause=Cause.ENGINE) from error
        if reply.status != 200:
            raise Failure(f"{reply.status}: {said[:500].decode(errors='replace')}", cause=Cause.ENGINE)
