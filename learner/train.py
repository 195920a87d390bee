"""Training: groups from the stream, one step after the other, until the last one.

The order of effects is a promise, so that a death at any line loses no group and trains none twice:

1. the optimizer step, in memory;
2. a checkpoint that holds its parameters, the groups it consumed and its report, all or nothing;
3. the acknowledgement of those groups;
4. the report to the orchestrator, in the background;
5. every few steps the weights, complete on disk, and then
6. their announcement.

A restart takes the checkpoint as the truth and does 3 to 6 again; each of them may be done twice.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Event

import structlog

from learner.batch import Batch, Rules, assemble
from learner.checkpoint import Checkpoints, Position
from learner.inbox import Inbox
from learner.metrics import LearnerMetrics, StepMetrics, UpdateMetrics
from learner.packing import pack
from learner.ranks import End, Forget, Restore
from learner.reports import Reporter
from learner.step import Descent
from learner.weights import WeightFolder
from services.contracts.sealed_group import SealedGroup
from services.contracts.step import StepReport
from services.kit.crash import CrashPoints
from services.kit.failure import Conflict
from services.transport.group_stream import GroupStream
from services.transport.token_store import TokenStore
from services.transport.weight_channel import WeightChannel

log = structlog.get_logger()


@dataclass(frozen=True)
class Schedule:
    """How steps are cut, and when weights go out. `max_steps` None: no end."""

    groups_per_step: int
    steps_per_version: int
    max_steps: int | None
    token_budget: int
    reset_optimizer: bool
    keep_records: bool


@dataclass(frozen=True)
class Transports:
    """What the learner meets other processes through."""

    groups: GroupStream
    tokens: TokenStore
    weights: WeightChannel


class Learner:
    """Owns the position of training, and leads the ranks that train."""

    def __init__(
        self,
        descent: Descent,
        rules: Rules,
        schedule: Schedule,
        transports: Transports,
        checkpoints: Checkpoints,
        weights: WeightFolder,
        reporter: Reporter,
        metrics: LearnerMetrics,
        crash: CrashPoints,
    ) -> None:
        self.policy = descent.policy
        self._optimizer = descent.optimizer
        self._descent = descent
        self._ranks = descent.ranks
        self._rules = rules
        self._schedule = schedule
        self._transports = transports
        self._checkpoints = checkpoints
        self._weights = weights
        self._reporter = reporter
        self._metrics = metrics
        self._crash = crash
        self._stop = Event()
        self._position = Position()
        self._inbox = Inbox(transports.groups, ())

    async def train(self) -> None:
        """Train to the last step. Cancelled, it gives up the step at hand before its update."""
        try:
            await self._recover()
            while not self._is_last(self._position.step):
                await self._step()
            self._ranks.order(End())
        finally:
            self._stop.set()

    async def _recover(self) -> None:
        """Go on from the newest checkpoint, and do again whatever may not have followed it."""
        self._position = self._checkpoints.load(self.policy, self._optimizer)
        self._ranks.order(Restore(self.policy.model.state_dict(), self._optimizer.state_dict()))
        self._inbox = Inbox(self._transports.groups, self._position.consumed)
        await self._inbox.recover()
        self._reporter.submit(self._position.reports)
        self._metrics.at(self._position.step, self._position.weight_version)
        await self._refuse_foreign_weights()
        if self._made_version:
            await self._publish()
        elif self._position.weight_version:
            version, step = self._position.weight_version, self._position.published_step
            await self._transports.weights.announce(self._weights.announcement(version, step))
        log.info("recovered", step=self._position.step, weight_version=self._position.weight_version)

    async def _step(self) -> None:
        started = time.monotonic()
        groups = await self._inbox.take(self._schedule.groups_per_step)
        taken = time.monotonic()
        batch = await assemble(
            self._transports.tokens,
            groups,
            self._position.weight_version,
            self._rules,
            self.policy.vocabulary,
        )
        measured = await asyncio.to_thread(self._update, batch)
        self._crash.reached("after_step")

        metrics = _step_metrics(batch, measured, wait_s=taken - started, train_s=time.monotonic() - taken)
        report = self._advance(batch, metrics)
        if self._made_version and self._schedule.reset_optimizer:
            self._optimizer.state.clear()
            self._ranks.order(Forget())
        await asyncio.to_thread(self._checkpoints.save, self._position, self.policy, self._optimizer)
        self._crash.reached("after_checkpoint")

        await self._inbox.consume(groups)
        self._crash.reached("after_acknowledge")

        self._reporter.submit([report])
        self._metrics.observe(report)
        log.info("step", step=report.step, weight_version=report.weight_version, **report.metrics)
        if self._made_version:
            await self._publish()
        if not self._schedule.keep_records:
            await self._discard(groups)

    def _update(self, batch: Batch) -> UpdateMetrics | None:
        """One optimizer update on what the batch has to teach; None if that is nothing."""
        samples = batch.samples
        if not samples:
            return None
        return self._descent.lead(pack(samples, self._schedule.token_budget), self._stop)

    def _advance(self, batch: Batch, metrics: StepMetrics) -> StepReport:
        """Move the position past a batch; a step that ends a version makes the next one."""
        position, step = self._position, self._position.step + 1
        publish = step - position.published_step >= self._schedule.steps_per_version or self._is_last(step)
        report = StepReport(
            step=step,
            weight_version=position.weight_version + publish,
            groups=batch.verdicts,
            metrics=metrics.numbers(),
            tito_turns=batch.turns,
            tito_breaks=batch.breaks,
            finished_at=time.time(),
        )
        self._position = replace(
            position,
            step=step,
            weight_version=report.weight_version,
            published_step=step if publish else position.published_step,
            consumed=position.consumed | {verdict.group_id for verdict in batch.verdicts},
            reports=(*self._reporter.pending, report),
        )
        return report

    @property
    def _made_version(self) -> bool:
        """Whether the last step ended a version, whose weights are the policy's now."""
        return 0 < self._position.step == self._position.published_step

    def _is_last(self, step: int) -> bool:
        return self._schedule.max_steps is not None and step >= self._schedule.max_steps

    async def _publish(self) -> None:
        """Write the weights of the version that this step made, then announce them."""
        version, step = self._position.weight_version, self._position.step
        announcement = await asyncio.to_thread(self._weights.write, self.policy, version, step)
        self._crash.reached("after_weights")
        await self._transports.weights.announce(announcement)
        log.info("published", weight_version=version, step=step, path=announcement.path)

    async def _refuse_foreign_weights(self) -> None:
        """An announcement follows its checkpoint, so a newer version on the channel is another run's."""
        latest = await self._transports.weights.latest()
        if latest is not None and latest.version > self._position.weight_version:
            raise Conflict(
                f"weights {latest.version} were announced, but the checkpoint is at version "
                f"{self._position.weight_version}",
                field="checkpoint_dir",
                remedy="give each run a Redis of its own, or restore the checkpoints that belong to it",
            )

    async def _discard(self, groups: Sequence[SealedGroup]) -> None:
        for group in groups:
            for rollout in group.rollouts:
                await self._transports.tokens.discard(rollout.rollout_id, rollout.attempt)


def _step_metrics(
    batch: Batch, measured: UpdateMetrics | None, *, wait_s: float, train_s: float
) -> StepMetrics:
    staleness_mean, staleness_max = batch.staleness
    return StepMetrics(
        reward_mean=batch.reward_mean,
        staleness_mean=staleness_mean,
        staleness_max=float(staleness_max),
        rollouts_lost=float(batch.rollouts_lost),
        wait_s=wait_s,
        train_s=train_s,
        update=measured,
    )
