"""How loaded an engine is, and how fast it samples."""

import time
from dataclasses import dataclass, replace

from services.inference.cpu.scheduler import Counters, Scheduler


@dataclass(frozen=True)
class Load:
    """What the engine holds and has done, in requests and tokens."""

    running: int
    waiting: int
    waiting_tokens: int
    used_tokens: int
    cached_tokens: int
    max_total_tokens: int
    max_running_requests: int
    totals: Counters
    tokens_per_second: float


class LoadMeter:
    """Reads loads; the rate is over at least the last second."""

    def __init__(self) -> None:
        self._at, self._tokens, self._rate = time.monotonic(), 0, 0.0

    def read(self, scheduler: Scheduler) -> Load:
        totals, now = scheduler.counters, time.monotonic()
        if now - self._at >= 1.0:
            self._rate = (totals.generation_tokens - self._tokens) / (now - self._at)
            self._at, self._tokens = now, totals.generation_tokens
        return Load(
            running=len(scheduler.running),
            waiting=len(scheduler.waiting),
            waiting_tokens=sum(len(one.ids) for one in scheduler.waiting),
            used_tokens=scheduler.used_tokens,
            cached_tokens=scheduler.cached_tokens,
            max_total_tokens=scheduler.limits.max_total_tokens,
            max_running_requests=scheduler.limits.max_running_requests,
            totals=replace(totals),
            tokens_per_second=self._rate,
        )
