"""Prometheus metrics of the orchestrator."""

from collections.abc import Callable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram

from orchestrator.changes import Change, GroupMoved, GroupOpened, RolloutMoved
from orchestrator.gauges import Gauges, Limits
from orchestrator.lifecycle import GroupState, RolloutState
from orchestrator.progress import Progress
from services.contracts.cause import Cause
from services.kit.metrics import Disks

_COMMIT_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_STALENESS = (0, 1, 2, 3, 4, 6, 8, 12, 16)
_UPDATE_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """Counters of what happened, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._begun: set[str] = set()
        self._rollouts = self._counter("podium_rollouts", "Rollouts ended", "environment", "state", "cause")
        self._retries = self._counter(
            "podium_rollout_retries", "Attempts tried again", "environment", "cause"
        )
        self._groups = self._counter(
            "podium_groups", "Groups by state entered", "environment", "state", "purpose"
        )
        self._staleness = Histogram(
            "podium_group_staleness_versions",
            "Staleness of trained groups",
            ["environment"],
            buckets=_STALENESS,
            registry=self.registry,
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
                self._begin(change.environment)
                self._groups.labels(change.environment, "open", change.purpose).inc()
            case GroupMoved():
                self._groups.labels(change.environment, change.state, change.purpose).inc()
                if change.state == GroupState.TRAINED:
                    self._staleness.labels(change.environment).observe(change.staleness or 0)
            case RolloutMoved(retried=cause) if cause is not None:
                self._retries.labels(change.environment, cause).inc()
            case RolloutMoved(state=RolloutState.SEALED | RolloutState.FAILED):
                self._rollouts.labels(change.environment, change.state, change.cause or "").inc()

    def _begin(self, environment: str) -> None:
        """Counters stand at 0 before they count, or nobody would see the first failure as a rise."""
        if environment in self._begun:
            return
        self._begun.add(environment)
        for cause in Cause:
            state = RolloutState.SEALED if cause.reward_valid else RolloutState.FAILED
            self._rollouts.labels(environment, state, cause)
            if cause.retry:
                self._retries.labels(environment, cause)

    def commit(self, seconds: float, changes: int) -> None:
        self.commit_seconds.observe(seconds)
        self.committed.inc(changes)

    def watch(self, progress: Callable[[], Progress], limits: Limits, folders: Mapping[str, Path]) -> None:
        """Gauges that are read off the progress, and off the disks of `folders`, when somebody asks."""
        self.registry.register(Gauges(progress, limits))
        self.registry.register(Disks(folders))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)
