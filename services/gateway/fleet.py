"""The engines that there are, as the orchestrator tells and as calls to them show."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import httpx
import msgspec
import structlog

from services.gateway.generation import EngineFault
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


class EngineLost(EngineFault):
    """The orchestrator says that an engine is down, and a call to it was under way."""


class Fleet:
    """Engines to choose from, where each rollout is placed, and who was seen failing a moment ago."""

    def __init__(self, engines: Sequence[Engine] = (), shun_s: float = 1.0, lost_s: float = 5.0) -> None:
        self._engines: dict[str, Engine] = {engine.engine_id: engine for engine in engines}
        self._versions: dict[str, int] = {}
        self._shunned_until: dict[str, float] = {}
        self._shun_s = shun_s
        self._lost_s = lost_s
        self._down_since: dict[str, float] = {}
        self._calls: dict[str, set[asyncio.Timeout]] = defaultdict(set)
        self.placements = Placements()

    @property
    def engines(self) -> list[Engine]:
        """All that are known, whatever their state."""
        return list(self._engines.values())

    def update(self, engines: Sequence[Engine]) -> None:
        """Take over the orchestrator's view."""
        self._engines = {engine.engine_id: engine for engine in engines}
        now = time.monotonic()
        for engine_id, calls in self._calls.items():
            known = self._engines.get(engine_id)
            if known is not None and known.state != "down":
                self._down_since.pop(engine_id, None)
            elif now - self._down_since.setdefault(engine_id, now) >= self._lost_s:
                for call in calls:
                    if not call.expired():
                        call.reschedule(0.0)

    @asynccontextmanager
    async def calling(self, engine: Engine) -> AsyncIterator[None]:
        """A call to an engine. Raises EngineLost once that has been down for `lost_s` (an orchestrator that
        starts again calls it down for a moment): one that hangs keeps its connections open, and would hold
        its rollouts for as long as a call may take."""
        calls = self._calls[engine.engine_id]
        limit = asyncio.timeout(None)
        calls.add(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise EngineLost(f"{engine.url} was lost while it had the call") from None
        finally:
            calls.discard(limit)

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
