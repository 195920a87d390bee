"""A learner that trains nothing: it takes groups as the real one does, and reports their steps."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from learner.inbox import Inbox
from services.contracts.sealed_group import SealedGroup
from services.contracts.step import GroupVerdict, StepReport
from services.contracts.weights import WeightAnnouncement
from services.transport.group_stream import GroupStream
from services.transport.token_store import TokenStore
from services.transport.weight_channel import WeightChannel


@dataclass(frozen=True)
class StubSchedule:
    """A step takes `groups_per_step` groups and `step_s` seconds. With `publish` it makes a version, and
    what is older than `max_staleness` is dropped."""

    groups_per_step: int
    step_s: float = 0.0
    publish: bool = False
    max_staleness: int = 1_000_000


@dataclass
class StubLearner:
    """Consumes the oldest groups first, each once; `on_trained` hears of each that is not stale."""

    stream: GroupStream
    tokens: TokenStore
    channel: WeightChannel
    orchestrator: httpx.AsyncClient
    schedule: StubSchedule
    on_trained: Callable[[SealedGroup], None]
    step: int = 0
    version: int = 0
    _inbox: Inbox = field(init=False)

    async def run(self) -> None:
        """Train until cancelled."""
        self._inbox = Inbox(self.stream, ())
        await self._inbox.recover()
        while True:
            await self._step(await self._inbox.take(self.schedule.groups_per_step))

    async def _step(self, groups: list[SealedGroup]) -> None:
        verdicts = tuple(self._verdict(group) for group in groups)
        await asyncio.sleep(self.schedule.step_s)
        self.step += 1
        self.version += self.schedule.publish
        await self._inbox.consume(groups)
        await self._report(verdicts)
        if self.schedule.publish:
            await self.channel.announce(
                WeightAnnouncement(self.version, "stub", self.step, "0" * 16, time.time())
            )
        for group, verdict in zip(groups, verdicts, strict=True):
            if verdict.verdict == "trained":
                self.on_trained(group)
            for rollout in group.rollouts:
                await self.tokens.discard(rollout.rollout_id, rollout.attempt)

    def _verdict(self, group: SealedGroup) -> GroupVerdict:
        staleness = self.version - group.oldest_version
        verdict = GroupVerdict(group_id=group.group_id, verdict="trained", staleness=staleness)
        return verdict if staleness <= self.schedule.max_staleness else _stale(verdict)

    async def _report(self, verdicts: tuple[GroupVerdict, ...]) -> None:
        report = StepReport(
            step=self.step, weight_version=self.version, groups=verdicts, metrics={}, finished_at=time.time()
        )
        response = await self.orchestrator.put(
            f"/v1/steps/{self.step}",
            content=report.model_dump_json(),
            headers={"content-type": "application/json"},
        )
        response.raise_for_status()


def _stale(verdict: GroupVerdict) -> GroupVerdict:
    return verdict.model_copy(update={"verdict": "stale"})
