"""What a step measures, for the step report and for Prometheus."""

from dataclasses import asdict, dataclass
from math import isfinite

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.contracts.step import StepReport


@dataclass(frozen=True)
class UpdateMetrics:
    """Of one optimizer update. The mean loss and the quantiles are over sampled tokens.

    `ratio` is pi_trainer / pi_rollout; `masked_fraction` is the share of tokens that the loss let through
    no gradient for; `updates_skipped` is 1 if the gradient was not finite.
    """

    loss: float
    entropy: float
    ratio_p05: float
    ratio_p50: float
    ratio_p95: float
    ratio_max: float
    logprob_gap_max: float
    masked_fraction: float
    grad_norm: float
    updates_skipped: float
    packing_efficiency: float
    micro_batches: float
    tokens: float
    sampled_tokens: float


@dataclass(frozen=True)
class StepMetrics:
    """Of one whole step; `update` is missing if no group had anything to teach."""

    reward_mean: float
    staleness_mean: float
    staleness_max: float
    rollouts_lost: float
    wait_s: float
    train_s: float
    update: UpdateMetrics | None

    def numbers(self) -> dict[str, float]:
        """All metrics under their plain names, without those that an update left out or made infinite."""
        numbers: dict[str, float] = {name: value for name, value in vars(self).items() if name != "update"}
        if self.update is not None:
            numbers |= asdict(self.update) | {"tokens_per_s": self.update.tokens / self.train_s}
        return {name: value for name, value in numbers.items() if isfinite(value)}


class LearnerMetrics:
    """Prometheus metrics of the learner in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        names = [*UpdateMetrics.__annotations__, *StepMetrics.__annotations__, "tokens_per_s"]
        self._gauges = {name: self._gauge(name) for name in names if name != "update"}
        self._step = self._gauge("step")
        self._weight_version = self._gauge("weight_version")
        self._groups = Counter(
            "podium_learner_groups", "Groups consumed, by verdict", ["verdict"], registry=self.registry
        )
        self._tokens = Counter("podium_learner_trained_tokens", "Tokens trained", registry=self.registry)
        self._turns = Counter("podium_learner_tito_turns", "Calls checked", registry=self.registry)
        self._breaks = Counter("podium_learner_tito_breaks", "Calls with other ids", registry=self.registry)

    def observe(self, report: StepReport) -> None:
        for name, value in report.metrics.items():
            self._gauges[name].set(value)
        self.at(report.step, report.weight_version)
        for group in report.groups:
            self._groups.labels(group.verdict).inc()
        self._tokens.inc(report.metrics.get("tokens", 0.0))
        self._turns.inc(report.tito_turns)
        self._breaks.inc(report.tito_breaks)

    def at(self, step: int, weight_version: int) -> None:
        self._step.set(step)
        self._weight_version.set(weight_version)

    def _gauge(self, name: str) -> Gauge:
        words = name.replace("_", " ")
        return Gauge(f"podium_learner_{name}", f"Of the last step: {words}", registry=self.registry)
