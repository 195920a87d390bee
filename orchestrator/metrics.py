"""Prometheus metrics of the orchestrator."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from orchestrator.changes import Change, GroupMoved, GroupOpened, RolloutMoved
from orchestrator.lifecycle import RolloutState
from orchestrator.progress import Progress

_COMMIT_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_UPDATE_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """Counters of what happened, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._rollouts = self._counter("podium_rollouts", "Rollouts ended", "environment", "state", "cause")
        self._retries = self._counter(
            "podium_rollout_retries", "Attempts tried again", "environment", "cause"
        )
        self._groups = self._counter(
            "podium_groups", "Groups by state entered", "environment", "state", "purpose"
        )
        self.fenced = self._counter("podium_outcomes_fenced", "Outcomes of attempts that were over")
        self.expired = self._counter("podium_leases_expired", "Leases that ran out")
        self.commit_seconds = Histogram(
            "podium_store_commit_seconds", "Time of a commit", buckets=_COMMIT_S, registry=self.registry
        )
        self.committed = self._counter("podium_store_changes", "Changes committed")
        self.update_seconds = Histogram(
            "podium_weight_update_seconds",
            "Time to update one engine",
            buckets=_UPDATE_S,
            registry=self.registry,
        )

    def apply(self, change: Change) -> None:
        match change:
            case GroupOpened():
                self._groups.labels(change.environment, "open", change.purpose).inc()
            case GroupMoved():
                self._groups.labels(change.environment, change.state, change.purpose).inc()
            case RolloutMoved(retried=cause) if cause is not None:
                self._retries.labels(change.environment, cause).inc()
            case RolloutMoved(state=RolloutState.SEALED | RolloutState.FAILED):
                self._rollouts.labels(change.environment, change.state, change.cause or "").inc()

    def commit(self, seconds: float, changes: int) -> None:
        self.commit_seconds.observe(seconds)
        self.committed.inc(changes)

    def watch(self, progress: Callable[[], Progress]) -> None:
        """Gauges that are read off the progress when somebody asks."""
        self.registry.register(_Gauges(progress))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)


class _Gauges(Collector):
    def __init__(self, progress: Callable[[], Progress]) -> None:
        self._progress = progress

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        progress = self._progress()
        plain = {
            "podium_weight_version_number": ("Version that the next step trains", progress.weight_version),
            "podium_group_backlog_groups": ("Groups that wait for the learner", progress.admission.backlog),
            "podium_admission_groups": ("Groups that may be opened now", progress.admission.groups),
            "podium_conservation_error_rollouts": (
                "Admitted less ended less live: must be 0",
                progress.conservation_error,
            ),
        }
        for name, (text, value) in plain.items():
            yield GaugeMetricFamily(name, text, value)
        in_flight = GaugeMetricFamily("podium_rollouts_in_flight", "Rollouts sent", labels=["environment"])
        for environment in progress.environments:
            in_flight.add_metric([environment.name], environment.in_flight)
        yield in_flight
        waits = GaugeMetricFamily("podium_wait_seconds", "How long who waits", labels=["waiter", "reason"])
        for wait in progress.waits:
            waits.add_metric([wait.who, wait.reason], wait.seconds)
        yield waits
        blocked = GaugeMetricFamily(
            "podium_environment_blocked_seconds", "Time lost to another", labels=["environment"]
        )
        dull = GaugeMetricFamily(
            "podium_groups_without_variance_groups", "Groups of equal rewards", labels=["environment"]
        )
        for environment in progress.environments:
            blocked.add_metric([environment.name], environment.blocked_s)
            dull.add_metric([environment.name], environment.groups_without_variance)
        yield blocked
        yield dull
        states = GaugeMetricFamily("podium_engines", "Engines by state", labels=["state"])
        for state in ("healthy", "updating", "quarantined", "down"):
            states.add_metric([state], sum(engine.state == state for engine in progress.engines))
        yield states
