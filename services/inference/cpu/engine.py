"""The CPU engine as the event loop sees it: generations, pauses, weight updates, load."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from services.inference.cpu.checkpoint import Weights, checksums, read_weights
from services.inference.cpu.config import ModelConfig
from services.inference.cpu.flight import Flight
from services.inference.cpu.generation import Decode, Generation
from services.inference.cpu.intake import generation_of
from services.inference.cpu.load import Load, LoadMeter
from services.inference.cpu.scheduler import Scheduler
from services.inference.cpu.thread import EngineThread
from services.inference.gate import Gate
from services.inference.wire.prompt import Prompt
from services.inference.wire.refusal import value_refusal
from services.kit.failure import Refused, Unavailable

log = structlog.get_logger()

PauseMode = Literal["abort", "retract", "in_place"]
_ENDED = -2
NOT_FLUSHED = (
    "Weights were updated, but the cache was not flushed because requests are still running or queued. "
    "Retract or finish them, then call /flush_cache."
)


@dataclass(frozen=True)
class WeightUpdate:
    """`success` false with changed weights is possible: the message then says so."""

    success: bool
    message: str


class CpuEngine:
    """One model, one thread, which lives within `running()`.

    `on_crash` is called once if the thread dies; what was in flight has then failed.
    """

    def __init__(
        self, scheduler: Scheduler, model_path: Path, decode: Decode | None, on_crash: Callable[[], None]
    ) -> None:
        self.model_path = model_path
        self.weight_version = scheduler.weight_version
        self.gate = Gate()
        self._scheduler, self._decode, self._on_crash = scheduler, decode, on_crash
        self._flights: dict[str, Flight] = {}
        self._crash: BaseException | None = None
        self._thread: EngineThread | None = None
        self._meter = LoadMeter()

    @property
    def config(self) -> ModelConfig:
        return self._scheduler.model.config

    @property
    def healthy(self) -> bool:
        return self._thread is not None and self._thread.alive and self._crash is None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["CpuEngine"]:
        """Start the thread; stop it at the end."""
        self._thread = EngineThread(self._scheduler, self._progress, self._crashed)
        try:
            yield self
        finally:
            self._thread.close()

    async def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """Sample all prompts to their end. Cancelling aborts them."""
        async with self._flight(prompts) as flight:
            while not flight.finished:
                await flight.news()
            return flight.generations

    async def stream(self, prompts: Sequence[Prompt]) -> AsyncIterator[tuple[int, Generation, int]]:
        """Index, generation and token count whenever one has grown; the last time it has a finish."""
        async with self._flight(prompts) as flight:
            seen = [-1] * len(prompts)
            while True:
                finished = flight.finished
                for index, one in enumerate(flight.generations):
                    count, end = len(one.output), one.finish is not None
                    if count > max(seen[index], 0) or (end and seen[index] != _ENDED):
                        seen[index] = _ENDED if end else count
                        yield index, one, count
                if finished:
                    return
                await flight.news()

    async def abort(self, rid: str) -> None:
        """Abort a live request, and every other whose id begins with its id; unknown ids are ignored."""
        if rid in self._flights:
            await self._abort(lambda one: one.rid.startswith(rid))

    async def abort_all(self) -> None:
        await self._abort(lambda _: True)

    async def pause(self, mode: PauseMode) -> None:
        """Close the gate; then end what is in flight, or freeze it with or without its cache."""
        self.gate.pause()
        if mode == "abort":
            await self.abort_all()
            await self.gate.idle()
        else:
            await self._engine.ask(lambda scheduler: scheduler.pause(retract=mode == "retract"))

    async def resume(self) -> None:
        await self._engine.ask(lambda scheduler: scheduler.resume())
        self.gate.resume()

    async def update_weights(self, folder: Path, weight_version: str | None, *, flush: bool) -> WeightUpdate:
        """Take the weights of a folder once nothing is in flight, or at once when paused.

        Weights that cannot be read, or are of another model, leave everything as it was.
        """
        async with self.gate.exclusive():
            try:
                weights = await asyncio.to_thread(read_weights, folder, self.config)
            except Refused as refused:
                log.warning("weights refused", model_path=str(folder), reason=refused.detail)
                return WeightUpdate(False, f"Failed to update weights: {refused.detail}.")
            flushed = await self._engine.ask(
                lambda scheduler: _swap(scheduler, weights, weight_version, flush)
            )
            self.model_path = folder
            if not flushed:
                return WeightUpdate(False, NOT_FLUSHED)
            message = "Succeeded to update model weights."
            if weight_version is not None:
                self.weight_version = weight_version
                message += f" Weight version updated to {weight_version}."
            log.info("weights updated", model_path=str(folder), weight_version=weight_version)
            return WeightUpdate(True, message)

    async def relabel(self, weight_version: str) -> None:
        """Give the current weights another version."""
        weights = self._scheduler.model.weights
        await self._engine.ask(lambda scheduler: scheduler.replace_weights(weights, weight_version))
        self.weight_version = weight_version

    async def flush_cache(self) -> bool:
        return await self._engine.ask(lambda scheduler: scheduler.flush_cache())

    async def checksums(self) -> dict[str, str]:
        return await self._engine.ask(lambda scheduler: checksums(scheduler.model.weights))

    async def load(self) -> Load:
        return await self._engine.ask(self._meter.read)

    @property
    def _engine(self) -> EngineThread:
        if self._thread is None or self._crash is not None:
            raise Unavailable("the engine is not running", remedy="start the process again")
        return self._thread

    @asynccontextmanager
    async def _flight(self, prompts: Sequence[Prompt]) -> AsyncIterator[Flight]:
        """Generations of `prompts` inside the engine; whatever is unfinished at the end is aborted."""
        eos = self.config.eos_token_ids
        flight = Flight([generation_of(prompt, eos, self._decode) for prompt in prompts])
        self._register(flight)
        try:
            async with self.gate.passing():
                self._engine.tell(lambda scheduler: _add(scheduler, flight.generations))
                try:
                    yield flight
                finally:
                    if not flight.finished and self._crash is None:
                        self._engine.tell(lambda scheduler: _drop(scheduler, flight.generations))
        finally:
            for prompt in prompts:
                del self._flights[prompt.rid]

    def _register(self, flight: Flight) -> None:
        for one in flight.generations:
            if one.rid in self._flights:
                raise value_refusal(f"Duplicate request ID detected: {one.rid}")
        self._flights |= {one.rid: flight for one in flight.generations}

    async def _abort(self, chosen: Callable[[Generation], bool]) -> None:
        aborted = await self._engine.ask(lambda scheduler: scheduler.abort(chosen))
        self._progress(aborted)

    def _progress(self, news: list[Generation]) -> None:
        for one in news:
            if (flight := self._flights.get(one.rid)) is not None:
                flight.wake()

    def _crashed(self, error: BaseException) -> None:
        log.error("engine crashed", error=repr(error), exc_info=error)
        self._crash = error
        for flight in self._flights.values():
            flight.fail()
        self._on_crash()


def _add(scheduler: Scheduler, generations: list[Generation]) -> None:
    for one in generations:
        scheduler.add(one)


def _drop(scheduler: Scheduler, generations: list[Generation]) -> None:
    scheduler.abort(lambda one: one in generations)


def _swap(scheduler: Scheduler, weights: Weights, weight_version: str | None, flush: bool) -> bool:
    """Replace weights; true unless a flush was wanted and refused."""
    scheduler.replace_weights(weights, weight_version)
    return not flush or scheduler.flush_cache()
