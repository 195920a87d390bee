"""The rollouts of this service: started once, run within their deadline, reported, or cancelled."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

import httpx

from environments.boundary import outcome_of
from environments.family import Family, Play, Progress, Scored
from environments.metrics import EnvironmentMetrics
from environments.reporter import Reporter
from services.contracts.cause import Cause
from services.contracts.environment import LiveRollout, RolloutRequest, RolloutState
from services.kit.failure import Conflict, Failure, Missing, Refused, Unavailable

_REMEMBERED = 4096
_LAST_REPORTS_S = 2.0


@dataclass
class Attempt:
    """One attempt that was accepted here; `work` is the family's part of it."""

    request: RolloutRequest
    work: asyncio.Task[Scored]
    progress: Progress
    state: Literal["running", "reporting", "reported"] = "running"
    whole: asyncio.Task[None] = field(init=False)

    @property
    def ref(self) -> LiveRollout:
        return LiveRollout(rollout_id=self.request.rollout_id, attempt=self.request.attempt)

    def described(self) -> RolloutState:
        return RolloutState(
            rollout_id=self.request.rollout_id,
            attempt=self.request.attempt,
            state=self.state,
            turns=self.progress.turns,
            seconds=self.progress.seconds,
        )


class Runner:
    """Runs at most `capacity` attempts at once; `async with` bounds the life of them all."""

    def __init__(
        self, family: Family, capacity: int, reporter: Reporter, metrics: EnvironmentMetrics
    ) -> None:
        self._family = family
        self._capacity = capacity
        self._reporter = reporter
        self._metrics = metrics
        self._attempts: OrderedDict[str, Attempt] = OrderedDict()
        self._tasks = asyncio.TaskGroup()
        self._stopping = False
        metrics.live.set_function(lambda: self.running)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_all()
        await self._tasks.__aexit__(kind, error, trace)

    @property
    def running(self) -> int:
        return sum(attempt.state == "running" for attempt in self._attempts.values())

    def live(self) -> tuple[LiveRollout, ...]:
        """Everything that the orchestrator has not acknowledged the end of."""
        return tuple(attempt.ref for attempt in self._attempts.values() if attempt.state != "reported")

    def start(self, request: RolloutRequest) -> Attempt:
        """Begin an attempt; the same one again changes nothing.

        Errors: Conflict (a newer attempt is known), Missing (task), Unavailable (429 full, 503 stopping).
        """
        known = self._attempts.get(request.rollout_id)
        if known is not None and known.request.attempt == request.attempt:
            return known
        self._admit(request, known)
        if known is not None:
            known.work.cancel()
        attempt = self._begin(request)
        self._attempts[request.rollout_id] = attempt
        self._forget_old()
        return attempt

    def find(self, rollout_id: str) -> Attempt:
        if rollout_id not in self._attempts:
            raise Missing(f"no rollout {rollout_id} here", field="rollout_id", value=rollout_id)
        return self._attempts[rollout_id]

    def cancel(self, rollout_id: str) -> Attempt:
        """Stop a rollout; it is reported as cancelled unless it has ended already."""
        attempt = self.find(rollout_id)
        attempt.work.cancel()
        return attempt

    def stop(self, unwanted: Iterable[LiveRollout]) -> None:
        """Stop exactly these attempts; one that nobody wants the end of is not reported any more."""
        for ref in unwanted:
            attempt = self._attempts.get(ref.rollout_id)
            if attempt is None or attempt.request.attempt != ref.attempt:
                continue
            if attempt.state == "running":
                attempt.work.cancel()
            else:
                attempt.whole.cancel()

    def _admit(self, request: RolloutRequest, known: Attempt | None) -> None:
        if known is not None and known.request.attempt > request.attempt:
            raise Conflict(
                f"rollout {request.rollout_id} is at attempt {known.request.attempt}",
                field="attempt",
                value=request.attempt,
            )
        if self._stopping:
            raise Unavailable("this environment service is stopping", retry_after_s=5)
        if not _is_web_address(request.report_url):
            raise Refused("report_url is not an http address", field="report_url", value=request.report_url)
        self._family.card(request.task)
        takes_over = known is not None and known.state == "running"
        if self.running - takes_over >= self._capacity:
            raise Unavailable(f"all {self._capacity} slots are taken", status=429, retry_after_s=1)

    def _begin(self, request: RolloutRequest) -> Attempt:
        progress = Progress()
        work = asyncio.create_task(self._work(request, progress))
        attempt = Attempt(request, work, progress)
        attempt.whole = self._tasks.create_task(self._whole(attempt))
        return attempt

    async def _whole(self, attempt: Attempt) -> None:
        """Owns the attempt's work, and reports how it ended. Cancelled only when nobody wants to know."""
        try:
            await asyncio.wait([attempt.work])
            outcome = outcome_of(attempt.ref, attempt.work, attempt.progress, self._stopping)
            attempt.state = "reporting"
            self._metrics.ended(outcome)
            await self._reporter.deliver(attempt.request, outcome)
        finally:
            attempt.work.cancel()
            attempt.state = "reported"

    async def _work(self, request: RolloutRequest, progress: Progress) -> Scored:
        deadline = time.monotonic() + request.deadline_s
        play = Play(request.rollout_id, request.attempt, request.task, request.model, deadline, progress)
        try:
            async with asyncio.timeout(request.deadline_s) as limit:
                return await self._family.run(play)
        except TimeoutError:
            if not limit.expired():
                raise
            late = f"the deadline of {request.deadline_s:g} s passed before a score"
            raise Failure(late, cause=Cause.ENVIRONMENT) from None

    def _forget_old(self) -> None:
        ended = [key for key, attempt in self._attempts.items() if attempt.state == "reported"]
        for key in ended[: max(0, len(ended) - _REMEMBERED)]:
            del self._attempts[key]

    async def _stop_all(self) -> None:
        """Cancel what runs, tell the orchestrator if it listens, and leave nothing behind."""
        self._stopping = True
        live = [attempt for attempt in self._attempts.values() if attempt.state != "reported"]
        for attempt in live:
            attempt.work.cancel()
        if live:
            await asyncio.wait([attempt.whole for attempt in live], timeout=_LAST_REPORTS_S)
        for attempt in live:
            attempt.whole.cancel()


def _is_web_address(url: str) -> bool:
    try:
        return httpx.URL(url).scheme in ("http", "https")
    except httpx.InvalidURL:
        return False
