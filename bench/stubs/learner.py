"""A learner that trains nothing: it takes groups as the real one does, and reports their steps."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from services.contracts.step import GroupVerdict, StepReport
from services.transport.group_stream import Delivery, GroupStream


@dataclass
class StubLearner:
    """Consumes `groups_per_step` groups a step, oldest first, and each group once."""

    stream: GroupStream
    orchestrator: httpx.AsyncClient
    groups_per_step: int
    on_trained: Callable[[Delivery], None]
    step_s: float = 0.0
    step: int = 0
    _seen: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Train until cancelled."""
        waiting = [delivery for delivery in await self.stream.unacknowledged() if self._is_new(delivery)]
        while True:
            while len(waiting) < self.groups_per_step:
                waiting += [
                    delivery for delivery in await self.stream.read(64, 1.0) if self._is_new(delivery)
                ]
            await self._step(waiting[: self.groups_per_step])
            waiting = waiting[self.groups_per_step :]

    def _is_new(self, delivery: Delivery) -> bool:
        """Whether a group was not delivered before; what comes twice is trained once."""
        new = delivery.group.group_id not in self._seen
        self._seen.add(delivery.group.group_id)
        return new

    async def _step(self, deliveries: list[Delivery]) -> None:
        await asyncio.sleep(self.step_s)
        self.step += 1
        for delivery in deliveries:
            self.on_trained(delivery)
        await self.stream.acknowledge([delivery.entry_id for delivery in deliveries])
        verdicts = tuple(
            GroupVerdict(group_id=delivery.group.group_id, verdict="trained") for delivery in deliveries
        )
        report = StepReport(
            step=self.step, weight_version=0, groups=verdicts, metrics={}, finished_at=time.time()
        )
        response = await self.orchestrator.put(
            f"/v1/steps/{self.step}",
            content=report.model_dump_json(),
            headers={"content-type": "application/json"},
        )
        response.raise_for_status()
