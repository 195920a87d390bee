"""Everything outside of the learner, in memory: its streams, its stores and its orchestrator."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import numpy as np
from fastapi import FastAPI, Response

from learner.metrics import LearnerMetrics
from learner.policy import Policy
from learner.reports import Reporter
from learner.settings import LearnerSettings
from learner.train import Transports
from learner.wiring import build
from services.contracts.sealed_group import SealedGroup
from services.contracts.step import StepReport
from services.contracts.weights import WeightAnnouncement
from services.transport.group_stream import MemoryGroupStream
from services.transport.token_store import MemoryTokenStore
from services.transport.weight_channel import MemoryWeightChannel
from tests.learner.synthetic import random_group

Settings = Callable[..., LearnerSettings]


@dataclass
class World:
    """Everything outside of the learner."""

    groups: MemoryGroupStream = field(default_factory=MemoryGroupStream)
    tokens: MemoryTokenStore = field(default_factory=MemoryTokenStore)
    weights: MemoryWeightChannel = field(default_factory=MemoryWeightChannel)
    reports: dict[int, StepReport] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    metrics: LearnerMetrics = field(default_factory=LearnerMetrics)

    def orchestrator(self) -> FastAPI:
        """Takes step reports; first gives the `answers` that a test wants."""
        app = FastAPI()

        @app.put("/v1/steps/{step}")
        def put(step: int, report: StepReport) -> Response:
            status = self.answers.pop(0) if self.answers else 200
            if status == 200:
                self.reports[step] = report
            return Response(status_code=status)

        return app

    @asynccontextmanager
    async def reporter(self) -> AsyncIterator[Reporter]:
        transport = httpx.ASGITransport(self.orchestrator())
        async with httpx.AsyncClient(transport=transport, base_url="http://orchestrator") as http:
            reporter = Reporter(http, flush_s=1.0)
            async with reporter.running():
                yield reporter

    async def train(self, settings: LearnerSettings) -> Policy:
        async with self.reporter() as reporter:
            transports = Transports(self.groups, self.tokens, self.weights)
            learner = build(settings, transports, reporter, self.metrics)
            await asyncio.wait_for(learner.train(), 30)
        return learner.policy

    async def train_until(self, settings: LearnerSettings, step: int) -> None:
        """Train until a step is reported, then cancel, as SIGTERM does."""
        training = asyncio.create_task(self.train(settings))
        while step not in self.reports and not training.done():
            await asyncio.sleep(0.01)
        training.cancel()
        with suppress(asyncio.CancelledError):
            await training

    async def add(self, *numbers: int, version: int = 0) -> list[SealedGroup]:
        added = []
        for number in numbers:
            generator = np.random.default_rng(number)
            group = await random_group(self.tokens, generator, number=number, version=version)
            await self.groups.append(group)
            added.append(group)
        return added

    def verdicts(self) -> list[str]:
        return [group.verdict for step in sorted(self.reports) for group in self.reports[step].groups]

    async def published(self) -> WeightAnnouncement:
        latest = await self.weights.latest()
        assert latest is not None
        return latest
