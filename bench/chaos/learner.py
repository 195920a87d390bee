"""`python -m bench.chaos.learner FILE`: a learner that trains nothing, with a position that lasts.

Every step makes a version, whose weights are always the same.
Its log is its checkpoint: one synced line a step with the groups that the step consumed. Acknowledgement
and report come after the line, as in the real one; a restart takes the log as the truth.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.contracts.step import GroupVerdict, StepReport
from services.contracts.weights import WeightAnnouncement
from services.kit.crash import CrashPoints
from services.kit.http import http_client
from services.transport.connection import TransportError, connect
from services.transport.group_stream import Delivery, RedisGroupStream
from services.transport.token_store import RedisTokenStore
from services.transport.weight_channel import RedisWeightChannel

_MOST_IN_A_STEP = 16


@dataclass(frozen=True)
class LearnerSettings:
    """What the learner is told, as JSON in a file."""

    redis_url: str
    orchestrator_url: str
    token: str
    log_file: str
    weights: str


@dataclass(frozen=True)
class Step:
    """One line of the log."""

    step: int
    groups: tuple[str, ...]
    finished_at: float


def read_log(path: Path) -> list[Step]:
    """The steps that were finished; the line at which a kill broke off does not count."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    return [Step(line["step"], tuple(line["groups"]), line["at"]) for line in map(json.loads, lines)]


class Position:
    """The steps so far, and a file that each new one is appended to before anything follows from it."""

    def __init__(self, path: Path) -> None:
        self.steps = read_log(path)
        self.consumed = {group for step in self.steps for group in step.groups}
        whole = path.read_bytes() if path.exists() else b""
        self._file = path.open("ab")
        self._file.truncate(whole.rfind(b"\n") + 1)

    def add(self, groups: tuple[str, ...]) -> Step:
        step = Step(len(self.steps) + 1, groups, time.time())
        line = {"step": step.step, "groups": groups, "at": step.finished_at}
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.steps.append(step)
        self.consumed.update(groups)
        return step


async def train(settings: LearnerSettings, crash: CrashPoints) -> None:
    position = Position(Path(settings.log_file))
    redis = connect(settings.redis_url)
    stream, tokens = RedisGroupStream(redis), RedisTokenStore(redis)
    channel = RedisWeightChannel(redis)
    async with http_client(
        base_url=settings.orchestrator_url, token=settings.token, timeout_s=5
    ) as orchestrator:
        for step in position.steps[-2:]:
            await _report(orchestrator, step)
        if position.steps:
            await _publish(channel, settings.weights, position.steps[-1])
        deliveries = await stream.unacknowledged()
        while True:
            made = await _step(deliveries, position, stream, tokens, orchestrator, crash)
            if made is not None:
                await _publish(channel, settings.weights, made)
                crash.reached("after_weights")
            deliveries = await stream.read(_MOST_IN_A_STEP, 1.0)


async def _step(
    deliveries: list[Delivery],
    position: Position,
    stream: RedisGroupStream,
    tokens: RedisTokenStore,
    orchestrator: httpx.AsyncClient,
    crash: CrashPoints,
) -> Step | None:
    fresh = {d.group.group_id: d.group for d in deliveries if d.group.group_id not in position.consumed}
    step = None
    if fresh:
        crash.reached("before_checkpoint")
        step = position.add(tuple(fresh))
        crash.reached("after_checkpoint")
    await stream.acknowledge([delivery.entry_id for delivery in deliveries])
    crash.reached("after_acknowledge")
    if step is not None:
        await _report(orchestrator, step)
        crash.reached("after_report")
    for delivery in deliveries:
        for rollout in delivery.group.rollouts:
            await tokens.discard(rollout.rollout_id, rollout.attempt)
    return step


async def _publish(channel: RedisWeightChannel, weights: str, step: Step) -> None:
    """The version that a step made."""
    await channel.announce(WeightAnnouncement(step.step, weights, step.step, "0" * 16, step.finished_at))


async def _report(orchestrator: httpx.AsyncClient, step: Step) -> None:
    """Put it until it is acknowledged."""
    verdicts = tuple(GroupVerdict(group_id=group_id, verdict="trained") for group_id in step.groups)
    report = StepReport(
        step=step.step, weight_version=step.step, groups=verdicts, metrics={}, finished_at=step.finished_at
    )
    while True:
        try:
            reply = await orchestrator.put(
                f"/v1/steps/{step.step}",
                content=report.model_dump_json(),
                headers={"content-type": "application/json"},
            )
            reply.raise_for_status()
            return
        except httpx.HTTPError:
            await asyncio.sleep(0.2)


async def _until_stopped(settings: LearnerSettings) -> None:
    crash = CrashPoints(os.environ.get("CHAOS_CRASH_AT", ""))
    while True:
        try:
            await train(settings, crash)
        except TransportError as error:
            print(f"redis is away: {error}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(_until_stopped(LearnerSettings(**json.loads(Path(sys.argv[1]).read_text()))))
