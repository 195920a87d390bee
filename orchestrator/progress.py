"""The state of everything in one answer: what people, the command line and dashboards look at."""

from collections import Counter
from collections.abc import Iterable
from statistics import fmean

from pydantic import Field

from orchestrator.balance import target_shares
from orchestrator.board import Board
from orchestrator.environment import Condition, Environment
from orchestrator.fleet import EngineState, Fleet
from orchestrator.gate import Gate, Position
from orchestrator.ledger import Ledger, Tally
from orchestrator.lifecycle import GroupState
from orchestrator.registry import Registry
from orchestrator.stalls import Stalls, Wait
from orchestrator.training import Training
from services.contracts.words import Word


class EnvironmentProgress(Word):
    """One environment. Shares are of trained groups: what it should have, and what it has."""

    name: str
    state: Condition
    target_share: float
    share: float
    token_share: float = Field(description="of trained tokens")
    credit: float = Field(description="groups that it is owed")
    spread: float | None = Field(description="mean standard deviation of rewards within its recent groups")
    blocked_s: float = Field(description="time in which it could start and another environment was why not")
    in_flight: int
    queued: int
    limit: int
    groups_sealed: int
    groups_trained: int
    groups_dropped: dict[str, int]
    groups_without_variance: int
    mean_reward: float | None = Field(description="over its last 256 training rollouts")
    failed_by_cause: dict[str, int]
    retried_by_cause: dict[str, int]


class EngineProgress(Word):
    """One engine and its load."""

    engine_id: str
    url: str
    state: EngineState
    weight_version: int
    tokens_per_s: float
    running: int
    waiting: int
    error: str | None


class GroupCounts(Word):
    """Training groups: admitted = trained + dropped + live."""

    admitted: int
    trained: int
    dropped: int
    live: int


class RolloutCounts(Word):
    """Rollouts, evaluations included: admitted = sealed + failed + live."""

    admitted: int
    sealed: int
    failed: int
    live: int
    failed_by_cause: dict[str, int]
    retried_by_cause: dict[str, int]


class Staleness(Word):
    """Over trained groups: trained version less the oldest sampled one."""

    mean: float
    max: int


class Tito(Word):
    """Model calls that were trained on, and those where token-in-token-out broke."""

    turns: int
    breaks: int


class AdmissionState(Word):
    """Whether groups are admitted, how many now, and what limits them."""

    state: Position
    groups: int
    limit: str
    backlog: int
    store_s: float = Field(description="time in which groups to open waited for the store")


class Progress(Word):
    """`GET /v1/progress`."""

    step: int
    weight_version: int
    loss: float | None
    metrics: dict[str, float | None]
    mean_reward: float | None
    environments: tuple[EnvironmentProgress, ...]
    engines: tuple[EngineProgress, ...]
    groups: GroupCounts
    rollouts: RolloutCounts
    staleness: Staleness
    tito: Tito
    admission: AdmissionState
    waits: tuple[Wait, ...] = Field(description="who stands still, what for and because of whom")
    conservation_error: int = Field(description="admitted less ended less live: must be 0")


class Overview:
    """Puts the answer together from the live state; it asks nobody else."""

    def __init__(
        self,
        board: Board,
        ledger: Ledger,
        registry: Registry,
        fleet: Fleet,
        training: Training,
        gate: Gate,
        stalls: Stalls,
    ) -> None:
        self._board = board
        self._ledger = ledger
        self._registry = registry
        self._fleet = fleet
        self._training = training
        self._gate = gate
        self._stalls = stalls

    def progress(self) -> Progress:
        training, ledger = self._training, self._ledger
        groups, rollouts = self._groups(), self._rollouts()
        rewards = [reward for tally in ledger.tallies.values() for reward in tally.rewards]
        trained = ledger.staleness_groups
        return Progress(
            step=training.step,
            weight_version=training.weight_version,
            loss=training.metrics.get("loss"),
            metrics=dict(training.metrics),
            mean_reward=fmean(rewards) if rewards else None,
            environments=self._environments(),
            engines=self._engines(),
            groups=groups,
            rollouts=rollouts,
            staleness=Staleness(
                mean=ledger.staleness_sum / trained if trained else 0.0, max=ledger.staleness_max
            ),
            tito=Tito(turns=training.tito_turns, breaks=training.tito_breaks),
            admission=self._admission(),
            waits=self._stalls.waits(),
            conservation_error=_error(groups, rollouts),
        )

    def environment(self, environment: Environment) -> EnvironmentProgress:
        accounts = self._registry.accounts()
        tally = self._ledger.tallies[environment.name]
        trained = self._total(GroupState.TRAINED)
        tokens = sum(other.trained_tokens for other in self._tallies())
        name = environment.name
        return EnvironmentProgress(
            name=name,
            state=self._registry.condition(environment),
            target_share=target_shares(accounts).get(name, 0.0),
            share=tally.groups[GroupState.TRAINED] / trained if trained else 0.0,
            token_share=tally.trained_tokens / tokens if tokens else 0.0,
            credit=environment.credit,
            spread=environment.spread,
            blocked_s=self._stalls.blocked_s[name],
            in_flight=self._board.in_flight(name),
            queued=self._board.queued(name),
            limit=environment.limit,
            groups_sealed=tally.groups[GroupState.SEALED],
            groups_trained=tally.groups[GroupState.TRAINED],
            groups_dropped=dict(tally.dropped),
            groups_without_variance=tally.no_variance,
            mean_reward=tally.mean_reward,
            failed_by_cause=dict(tally.failed),
            retried_by_cause=dict(tally.retried),
        )

    def _environments(self) -> tuple[EnvironmentProgress, ...]:
        registered = self._registry.environments
        return tuple(self.environment(registered[name]) for name in sorted(registered))

    def _engines(self) -> tuple[EngineProgress, ...]:
        return tuple(
            EngineProgress(
                engine_id=engine.engine_id,
                url=engine.url,
                state=engine.state,
                weight_version=engine.weight_version,
                tokens_per_s=engine.load.tokens_per_s,
                running=engine.load.running,
                waiting=engine.load.waiting,
                error=engine.error,
            )
            for engine in self._fleet.engines.values()
        )

    def _groups(self) -> GroupCounts:
        return GroupCounts(
            admitted=sum(tally.admitted_groups for tally in self._tallies()),
            trained=self._total(GroupState.TRAINED),
            dropped=self._total(GroupState.DROPPED),
            live=sum(group.purpose == "train" for group in self._board.groups.values()),
        )

    def _rollouts(self) -> RolloutCounts:
        failed = _sum(tally.failed for tally in self._tallies())
        return RolloutCounts(
            admitted=sum(tally.admitted_rollouts for tally in self._tallies()),
            sealed=sum(tally.sealed_rollouts for tally in self._tallies()),
            failed=failed.total(),
            live=len(self._board.rollouts),
            failed_by_cause=dict(failed),
            retried_by_cause=dict(_sum(tally.retried for tally in self._tallies())),
        )

    def _admission(self) -> AdmissionState:
        verdict = self._gate.verdict()
        return AdmissionState(
            state=self._gate.position,
            groups=verdict.groups,
            limit=verdict.limit,
            backlog=self._gate.backlog,
            store_s=self._stalls.store_s,
        )

    def _total(self, state: GroupState) -> int:
        return sum(tally.groups[state] for tally in self._tallies())

    def _tallies(self) -> Iterable[Tally]:
        return self._ledger.tallies.values()


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total


def _error(groups: GroupCounts, rollouts: RolloutCounts) -> int:
    of_groups = groups.admitted - groups.trained - groups.dropped - groups.live
    of_rollouts = rollouts.admitted - rollouts.sealed - rollouts.failed - rollouts.live
    return abs(of_groups) + abs(of_rollouts)
