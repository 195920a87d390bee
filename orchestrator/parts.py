"""The parts of a running orchestrator, wired once."""

import time
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Connection

from orchestrator.admission import Pace
from orchestrator.artifacts import Artifacts
from orchestrator.attempts import Rules
from orchestrator.board import Board, live_groups
from orchestrator.completion import Freshness
from orchestrator.dispatch import Dispatcher, DispatchRules
from orchestrator.engine import EngineKeys
from orchestrator.fleet import Fleet, FleetRules
from orchestrator.gate import Gate
from orchestrator.gauges import Limits
from orchestrator.hold import holds_of_open
from orchestrator.journal import Journal
from orchestrator.leases import Leases
from orchestrator.ledger import Ledger
from orchestrator.metrics import Metrics
from orchestrator.outbox import Outbox
from orchestrator.progress import Overview
from orchestrator.registry import Registry
from orchestrator.runs import open_run
from orchestrator.sealer import Sealer
from orchestrator.settings import OrchestratorSettings
from orchestrator.stalls import Stalls
from orchestrator.standing import StandingTokens
from orchestrator.store import Store
from orchestrator.training import Training
from orchestrator.transcript import Transcripts
from orchestrator.watchers import Watchers
from services.kit.access import Signer
from services.kit.crash import CrashPoints
from services.kit.seal import Seal
from services.transport.group_stream import GroupStream
from services.transport.token_store import TokenStore
from services.transport.weight_channel import WeightChannel


@dataclass(frozen=True)
class Transports:
    """The arrows out of the orchestrator."""

    tokens: TokenStore
    groups: GroupStream
    weights: WeightChannel


class Orchestrator:
    """Everything that one process holds; `load` takes it to where the record stands."""

    def __init__(
        self,
        settings: OrchestratorSettings,
        transports: Transports,
        signer: Signer,
        store: Store,
        client: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self.signer = signer
        self.client = client
        self.transcripts = Transcripts(transports.tokens, gateway, signer)
        self.standing = StandingTokens(store, signer)
        self.store = store
        self.metrics = metrics
        self.crash = CrashPoints(settings.crash_at)
        self.journal = Journal(store, self.crash)
        self.board = Board()
        self.ledger = Ledger()
        self.watchers = Watchers()
        self.training = Training()
        self.registry = _registry(settings, store, self.board, client, signer)
        self.artifacts = Artifacts(self.registry, client)
        self.fleet = Fleet(
            store,
            client,
            transports.weights,
            _fleet_rules(settings),
            on_announced=self.training.announced,
            on_updated=metrics.update_seconds.observe,
            crash=self.crash,
        )
        self.outbox = Outbox(store, transports.groups, self.crash)
        self.gate = Gate(
            store,
            self.board,
            self.registry,
            self.training,
            self.fleet,
            self.outbox,
            _pace(settings),
            settings.admission,
        )
        self.sealer = Sealer(self.journal, self.board, transports.tokens, self.rules)
        self.leases = Leases(
            self.journal,
            self.board,
            self.registry,
            self.rules,
            lease_s=settings.lease_s,
            on_expired=metrics.expired.inc,
            crash=self.crash,
        )
        self.dispatcher = Dispatcher(
            self.journal,
            self.board,
            self.registry,
            self.gate,
            client,
            signer,
            _dispatch_rules(settings),
            self.rules,
        )
        self.stalls = Stalls(self.board, self.registry, self.gate, self.dispatcher, settings.stall_s)
        self.overview = Overview(
            self.board, self.ledger, self.registry, self.fleet, self.training, self.gate, self.stalls
        )
        metrics.watch(self.overview.progress, _limits(settings), _disks(settings))

    def rules(self) -> Rules:
        """What decides about attempts and groups now."""
        freshness = Freshness(self.training.weight_version, self.settings.max_staleness)
        return Rules(time.time(), self.settings.max_attempts, freshness, self.settings.grouping)

    async def load(self) -> None:
        """Take over the record, and from then on hear of every change."""
        self.run_id = await self.store.write(lambda connection: open_run(connection, self.settings))
        await self.store.read(self._load)
        for url in self.settings.engines:
            self.fleet.enlist(url)
        self.leases.begin()
        self.sealer.begin()
        self.journal.tell(
            self.sealer.notice,
            self.ledger.apply,
            self.board.apply,
            self.registry.notice,
            self.metrics.apply,
            self.outbox.notice,
            self.stalls.notice,
            self.dispatcher.notice,
            self.watchers.notice,
        )

    def _load(self, connection: Connection) -> None:
        for opened in live_groups(connection):
            self.board.apply(opened)
        for held in holds_of_open(connection):
            self.board.apply(held)
        for part in (self.standing, self.ledger, self.training, self.registry, self.fleet, self.gate):
            part.load(connection)


def _registry(
    settings: OrchestratorSettings, store: Store, board: Board, client: httpx.AsyncClient, signer: Signer
) -> Registry:
    return Registry(
        store,
        board,
        client,
        lease_s=settings.lease_s,
        debt_cap=settings.debt_cap,
        deadline_s=settings.rollout_deadline_s,
        train_split=settings.train_split,
        weighting=settings.weighting,
        grouping=settings.grouping,
        most_replaced=settings.most_replaced,
        seal=Seal(signer.secrets),
        allowance=settings.allowance,
    )


def _limits(settings: OrchestratorSettings) -> Limits:
    return Limits(settings.stream_capacity, settings.max_staleness, settings.stall_s)


def _disks(settings: OrchestratorSettings) -> dict[str, Path]:
    """The store's, if it is a file here."""
    kind, _, path = settings.store_url.partition(":///")
    return {"store": Path(path).absolute().parent} if kind == "sqlite" else {}


def _fleet_rules(settings: OrchestratorSettings) -> FleetRules:
    return FleetRules(
        settings.engine_poll_s,
        settings.update_mode,
        settings.update_timeout_s,
        EngineKeys(_read(settings.engine_key_file), _read(settings.engine_admin_key_file)),
        settings.allowance,
    )


def _read(file: Path | None) -> str | None:
    return None if file is None else file.read_text().strip()


def _pace(settings: OrchestratorSettings) -> Pace:
    return Pace(
        groups_per_step=settings.groups_per_step,
        steps_per_version=settings.steps_per_version,
        max_staleness=settings.max_staleness,
        stream_capacity=settings.stream_capacity,
    )


def _dispatch_rules(settings: OrchestratorSettings) -> DispatchRules:
    return DispatchRules(
        orchestrator_url=settings.address,
        gateway_url=settings.gateway_url.rstrip("/"),
        model_name=settings.model_name,
        sampling=settings.sampling,
        lease_s=settings.lease_s,
        max_concurrent=settings.max_concurrent_rollouts,
        group_size=settings.group_size,
        extra=settings.over_sampling,
        curriculum=settings.task_curriculum,
        train_split=settings.train_split,
        seed=settings.seed,
        debt_cap=settings.debt_cap,
    )
