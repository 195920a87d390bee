"""The engines that there are, as the orchestrator tells and as calls to them show."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import httpx
import msgspec
import structlog

from services.gateway.placement import Placements

log = structlog.get_logger()

State = Literal["healthy", "updating", "quarantined", "down"]


class Engine(msgspec.Struct, frozen=True):
    """One engine. While it is `updating` its requests wait inside it, and its rollouts stay."""

    engine_id: str
    url: str
    state: State = "healthy"
    weight_version: int = 0


class _Engines(msgspec.Struct):
    engines: list[Engine]


class Fleet:
    """Engines to choose from, where each rollout is placed, and who was seen failing a moment ago."""

    def __init__(self, engines: Sequence[Engine] = (), shun_s: float = 1.0) -> None:
        self._engines: dict[str, Engine] = {engine.engine_id: engine for engine in engines}
        self._versions: dict[str, int] = {}
        self._shunned_until: dict[str, float] = {}
        self._shun_s = shun_s
        self.placements = Placements()

    @property
    def engines(self) -> list[Engine]:
        """All that are known, whatever their state."""
        return list(self._engines.values())

    def update(self, engines: Sequence[Engine]) -> None:
        """Take over the orchestrator's view."""
        self._engines = {engine.engine_id: engine for engine in engines}

    def shun(self, engine_id: str) -> None:
        """Offer an engine that just failed to nobody for a moment."""
        self._shunned_until[engine_id] = time.monotonic() + self._shun_s

    def saw_version(self, engine_id: str, version: int) -> None:
        """An engine sampled with these weights, perhaps before the orchestrator told."""
        self._versions[engine_id] = max(version, self._versions.get(engine_id, 0))

    def weight_version(self, engine: Engine) -> int:
        """The newest weights that the engine is known to have had."""
        return max(engine.weight_version, self._versions.get(engine.engine_id, 0))

    def engine_for(self, rollout_id: str, before: str | None = None) -> Engine | None:
        """Where a rollout's next call goes; None while no engine can take it."""
        offered = self._offered()
        if not offered:
            return None
        return self._engines[self.placements.engine_for(rollout_id, offered, before)]

    def _offered(self) -> list[str]:
        now = time.monotonic()
        return [
            engine.engine_id
            for engine in self._engines.values()
            if engine.state in ("healthy", "updating")
            and self._shunned_until.get(engine.engine_id, 0.0) <= now
        ]


@asynccontextmanager
async def following(
    fleet: Fleet, orchestrator: httpx.AsyncClient, every_s: float = 1.0
) -> AsyncIterator[None]:
    """Keep the fleet as the orchestrator sees it; while that is silent, the last view stays."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_follow(fleet, orchestrator, every_s))
        yield
        task.cancel()


async def _follow(fleet: Fleet, orchestrator: httpx.AsyncClient, every_s: float) -> None:
    while True:
        try:
            reply = await orchestrator.get("/v1/engines")
            fleet.update(msgspec.json.decode(reply.raise_for_status().content, type=_Engines).engines)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            log.warning("engines unknown", error=repr(error))
        await asyncio.sleep(every_s)
