"""What the gateway counts."""

import time
from collections.abc import Sized
from types import TracebackType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.gateway.placement import Placements

_SECONDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


class GatewayMetrics:
    """One registry of counters; `phase` times a part of a turn."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.turns = Counter("podium_gateway_turns_total", "recorded model calls", registry=registry)
        self.tokens = Counter(
            "podium_gateway_tokens_total", "tokens of recorded calls", ["kind"], registry=registry
        )
        self.breaks = Counter(
            "podium_gateway_tito_breaks_total",
            "prompts that did not begin with the recorded ids, and were refused",
            registry=registry,
        )
        self.branches = Counter(
            "podium_gateway_branches_total", "calls that opened a branch", ["reason"], registry=registry
        )
        self.replays = Counter(
            "podium_gateway_replays_total", "retried requests answered from the record", registry=registry
        )
        self.refusals = Counter(
            "podium_gateway_errors_total", "requests answered with an error", ["code"], registry=registry
        )
        self.engine_faults = Counter(
            "podium_gateway_engine_faults_total", "calls an engine failed", ["engine"], registry=registry
        )
        self.engine_aborts = Counter(
            "podium_gateway_engine_aborts_total", "generations aborted and continued", registry=registry
        )
        self.in_flight = Gauge("podium_gateway_turns_in_flight", "model calls now", registry=registry)
        self.sessions = Gauge("podium_gateway_sessions", "rollout attempts in memory", registry=registry)
        self.placements = Gauge(
            "podium_gateway_placements", "rollouts placed on an engine", ["engine"], registry=registry
        )
        self._phases = Histogram(
            "podium_gateway_phase_seconds",
            "time of a turn by phase",
            ["phase"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._phase_of = {
            name: self._phases.labels(name)
            for name in ("auth", "render", "engine", "parse", "record", "reply")
        }

    def watch(self, sessions: Sized, placements: Placements) -> None:
        """Show how many sessions there are and where their rollouts are placed."""
        self.sessions.set_function(lambda: len(sessions))
        placements.shown_by(lambda engine, load: self.placements.labels(engine).set(load))

    def phase(self, name: str) -> "_Timer":
        """Time what is inside as one phase: auth, render, engine, parse, record or reply."""
        return _Timer(self._phase_of[name])


class _Timer:
    """`with` it; a turn has six, and this is a third of what a generator or prometheus_client's costs."""

    __slots__ = ("_phase", "_started")

    def __init__(self, phase: Histogram) -> None:
        self._phase = phase

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._phase.observe(time.perf_counter() - self._started)
