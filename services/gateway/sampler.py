"""Gets a reply sampled, whatever happens to engines meanwhile."""

import asyncio
import time
from dataclasses import replace

import structlog

from services.contracts.words import new_id
from services.gateway.engine_client import EngineClient
from services.gateway.failures import EngineUnavailable
from services.gateway.fleet import Engine, Fleet
from services.gateway.generation import (
    NOTHING,
    ConnectionLost,
    EngineFault,
    GenerateRequest,
    Generation,
    SamplingParams,
)
from services.gateway.metrics import GatewayMetrics
from services.kit.access import Claims

log = structlog.get_logger()


class Sampler:
    """Places each call on its rollout's engine; tries again elsewhere or later when that one fails."""

    def __init__(
        self,
        fleet: Fleet,
        client: EngineClient,
        metrics: GatewayMetrics,
        stop_token_ids: tuple[int, ...],
        wait_s: float,
        pause_s: float = 0.05,
    ) -> None:
        self._fleet = fleet
        self._client = client
        self._metrics = metrics
        self._stop_token_ids = stop_token_ids
        self._wait_s = wait_s
        self._pause_s = pause_s

    async def sample(
        self, claims: Claims, input_ids: list[int], room: int, stop: tuple[str, ...], before: str | None
    ) -> tuple[Generation, str]:
        """A finished generation of at most `room` tokens, and the id of the engine that finished it.

        What an engine had sampled when it aborted is kept and continued. Raises EngineUnavailable
        (503) after `wait_s` seconds in which no engine had the call and nothing new was sampled.
        """
        assert claims.rollout_id is not None
        so_far, last, reconnected = NOTHING, "no engine is healthy", False
        waited_s = 0.0
        while waited_s < self._wait_s:
            engine = self._fleet.engine_for(claims.rollout_id, before)
            if engine is None:
                waited_s += await self._pause()
                continue
            request = self._request(
                claims, [*input_ids, *so_far.ids.tolist()], room - len(so_far.ids), stop, engine
            )
            try:
                async with self._fleet.calling(engine):
                    part = await self._client.generate(engine.url, request)
            except EngineFault as fault:
                last = str(fault)
                if isinstance(fault, ConnectionLost) and not reconnected:
                    reconnected = True  # it may only have been idle for too long
                else:
                    self._fault(engine, fault)
                continue
            so_far = self._taken(so_far, part, engine)
            if part.finish != "abort":
                return so_far, engine.engine_id
            if len(so_far.ids) == room:
                return replace(so_far, finish="length"), engine.engine_id
            waited_s = await self._pause() + (0.0 if len(part.ids) else waited_s)
        raise EngineUnavailable(self._wait_s, last)

    async def _pause(self) -> float:
        started = time.monotonic()
        await asyncio.sleep(self._pause_s)
        return time.monotonic() - started

    def _request(
        self, claims: Claims, input_ids: list[int], room: int, stop: tuple[str, ...], engine: Engine
    ) -> GenerateRequest:
        sampling = SamplingParams(
            max_new_tokens=room,
            temperature=claims.temperature,
            top_p=claims.top_p,
            top_k=claims.top_k,
            stop_token_ids=self._stop_token_ids,
            skip_special_tokens=False,
            spaces_between_special_tokens=False,
            no_stop_trim=True,
            stop=stop,
        )
        extra_key = f"v{self._fleet.weight_version(engine)}"  # no prefix of other weights is reused
        assert claims.rollout_id is not None
        return GenerateRequest(new_id(), input_ids, sampling, extra_key, claims.rollout_id)

    def _taken(self, so_far: Generation, part: Generation, engine: Engine) -> Generation:
        if part.versions:
            self._fleet.saw_version(engine.engine_id, part.versions[-1].version)
        if part.finish == "abort":
            self._metrics.engine_aborts.inc()
        return so_far.then(part) if len(so_far.ids) else part

    def _fault(self, engine: Engine, fault: EngineFault) -> None:
        log.warning("engine fault", engine=engine.engine_id, error=str(fault))
        self._metrics.engine_faults.labels(engine.engine_id).inc()
        self._fleet.shun(engine.engine_id)
