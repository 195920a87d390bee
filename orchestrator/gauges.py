"""Gauges that are read off the progress whenever Prometheus asks, so that none can be forgotten."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from orchestrator.progress import EngineProgress, EnvironmentProgress, Progress

_STATES = ("healthy", "updating", "quarantined", "down")


@dataclass(frozen=True)
class Limits:
    """Settings that a reader of the gauges compares them with."""

    stream_capacity: int
    max_staleness: int
    stall_s: float


class Gauges(Collector):
    """Of the whole, of each environment, of each engine, and of who waits for what."""

    def __init__(self, progress: Callable[[], Progress], limits: Limits) -> None:
        self._progress = progress
        self._limits = limits

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        progress = self._progress()
        yield from self._plain(progress)
        yield from _of_environments(progress)
        yield from _of_engines(progress)
        waits = GaugeMetricFamily("podium_wait_seconds", "How long who waits", labels=["waiter", "reason"])
        for wait in progress.waits:
            waits.add_metric([wait.who, wait.reason], wait.seconds)
        yield waits

    def _plain(self, progress: Progress) -> Iterable[GaugeMetricFamily]:
        plain = {
            "podium_weight_version_number": ("Version that the next step trains", progress.weight_version),
            "podium_step_number": ("Steps done", progress.step),
            "podium_group_backlog_groups": ("Groups that wait for the learner", progress.admission.backlog),
            "podium_group_stream_capacity_groups": (
                "Groups that may wait for the learner",
                self._limits.stream_capacity,
            ),
            "podium_groups_live_groups": ("Training groups open or sealed", progress.groups.live),
            "podium_admission_groups": ("Groups that may be opened now", progress.admission.groups),
            "podium_admission_open": ("1 if people let groups in", progress.admission.state == "open"),
            "podium_max_staleness_versions": (
                "Largest staleness that is trained",
                self._limits.max_staleness,
            ),
            "podium_stall_limit_seconds": ("A wait that is longer is a stall", self._limits.stall_s),
            "podium_tito_breaks_calls": ("Trained calls whose ids were not those sent", progress.tito.breaks),
            "podium_conservation_error_rollouts": (
                "Admitted less ended less live: must be 0",
                progress.conservation_error,
            ),
        }
        for name, (text, value) in plain.items():
            yield GaugeMetricFamily(name, text, value)


_ENVIRONMENT: Mapping[str, tuple[str, Callable[[EnvironmentProgress], float | None]]] = {
    "podium_rollouts_in_flight": ("Rollouts sent", lambda row: row.in_flight),
    "podium_rollouts_queued": ("Rollouts that wait to be sent", lambda row: row.queued),
    "podium_rollouts_limit": ("Rollouts that it takes at once", lambda row: row.limit),
    "podium_environment_up": ("1 if it is heard from", lambda row: row.state != "away"),
    "podium_environment_share_ratio": ("Share of trained groups", lambda row: row.share),
    "podium_environment_target_share_ratio": ("Share that it should have", lambda row: row.target_share),
    "podium_environment_credit_groups": ("Groups that it is owed", lambda row: row.credit),
    "podium_environment_blocked_seconds": ("Time lost to another", lambda row: row.blocked_s),
    "podium_environment_reward_mean": ("Over its last 256 training rollouts", lambda row: row.mean_reward),
    "podium_environment_reward_spread": ("Deviation within its groups", lambda row: row.spread),
    "podium_groups_without_variance_groups": (
        "Groups of equal rewards",
        lambda row: row.groups_without_variance,
    ),
}
_ENGINE: Mapping[str, tuple[str, Callable[[EngineProgress], float]]] = {
    "podium_engine_up": ("1 if it samples", lambda row: row.state in ("healthy", "updating")),
    "podium_engine_weight_version_number": ("Weights that it holds", lambda row: row.weight_version),
    "podium_engine_sampled_tokens_per_second": ("Sampled tokens a second", lambda row: row.tokens_per_s),
    "podium_engine_running_calls": ("Calls that it works on", lambda row: row.running),
    "podium_engine_waiting_calls": ("Calls that wait in it", lambda row: row.waiting),
}


def _of_environments(progress: Progress) -> Iterable[GaugeMetricFamily]:
    for name, (text, value_of) in _ENVIRONMENT.items():
        family = GaugeMetricFamily(name, text, labels=["environment"])
        for row in progress.environments:
            value = value_of(row)
            if value is not None:
                family.add_metric([row.name], value)
        yield family


def _of_engines(progress: Progress) -> Iterable[GaugeMetricFamily]:
    states = GaugeMetricFamily("podium_engines", "Engines by state", labels=["state"])
    for state in _STATES:
        states.add_metric([state], sum(engine.state == state for engine in progress.engines))
    yield states
    for name, (text, value_of) in _ENGINE.items():
        family = GaugeMetricFamily(name, text, labels=["engine"])
        for engine in progress.engines:
            family.add_metric([engine.engine_id], value_of(engine))
        yield family
