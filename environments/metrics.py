"""What an environment service counts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.contracts.outcome import Outcome

_SECONDS = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


class EnvironmentMetrics:
    """One registry; `phase` times a part of a rollout: model, command, verify."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.live = Gauge("podium_environment_rollouts_running", "rollouts now", registry=registry)
        self._ended = Counter(
            "podium_environment_rollouts_total", "attempts that ended", ["cause"], registry=registry
        )
        self._turns = Counter("podium_environment_turns_total", "model calls", registry=registry)
        self._rollout = Histogram(
            "podium_environment_rollout_seconds",
            "time of an attempt",
            buckets=_SECONDS,
            registry=registry,
        )
        self._phases = Histogram(
            "podium_environment_phase_seconds",
            "time of a rollout by phase",
            ["phase"],
            buckets=_SECONDS,
            registry=registry,
        )

    def ended(self, outcome: Outcome) -> None:
        self._ended.labels(outcome.cause).inc()
        self._turns.inc(outcome.turns)
        self._rollout.observe(outcome.seconds)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._phases.labels(name).observe(time.perf_counter() - started)
