"""The gate for new training groups: open, paused or halted by people, never wider than freshness allows."""

from typing import Literal

from sqlalchemy import Connection, insert, select, update

from orchestrator.admission import Pace, Pipeline, Verdict, allowance
from orchestrator.audit import Audited, Who, keep
from orchestrator.board import Board
from orchestrator.fleet import Fleet
from orchestrator.outbox import Outbox
from orchestrator.registry import Registry
from orchestrator.store import Store
from orchestrator.store.tables import switches
from orchestrator.training import Training

Position = Literal["open", "paused", "halted"]
_NAME = "admission"


class Gate:
    """Its position is on the record, so that a restart does not change it."""

    def __init__(
        self,
        store: Store,
        board: Board,
        registry: Registry,
        training: Training,
        fleet: Fleet,
        outbox: Outbox,
        pace: Pace,
        position: Position,
    ) -> None:
        self._store = store
        self._board = board
        self._registry = registry
        self._training = training
        self._fleet = fleet
        self._outbox = outbox
        self._pace = pace
        self.position: Position = position

    def load(self, connection: Connection) -> None:
        """Take over the position of the record, if it has one."""
        row = connection.execute(select(switches.c.value).where(switches.c.name == _NAME)).one_or_none()
        if row is not None:
            self.position = row.value

    async def set(self, position: Position, who: Who) -> None:
        """Durable, and in the audit trail, before it counts."""
        changed = [Audited(_NAME, "state", self.position, position, who)]

        def change(connection: Connection) -> None:
            _set(connection, position)
            keep(connection, changed if position != self.position else [])

        await self._store.write(change)
        self.position = position

    @property
    def hungry(self) -> bool:
        """Whether the learner has too few sealed groups for its next step."""
        return self._board.sealed_groups() < self._pace.groups_per_step

    @property
    def backlog(self) -> int:
        """Groups that wait for the learner."""
        return self._outbox.backlog

    def verdict(self) -> Verdict:
        """How many groups may be opened now."""
        if self.position != "open":
            return Verdict(0, self.position)
        return allowance(self._pipeline(), self._pace)

    def _pipeline(self) -> Pipeline:
        return Pipeline(
            trained_version=self._training.weight_version,
            fleet_version=self._fleet.oldest_version(),
            steps_into_version=self._training.steps_into_version,
            waiting=self._board.waiting_groups(ignoring=self._registry.aside()),
            backlog=self._outbox.backlog,
        )


def _set(connection: Connection, position: Position) -> None:
    here = switches.c.name == _NAME
    if connection.execute(update(switches).where(here).values(value=position)).rowcount == 0:
        connection.execute(insert(switches).values(name=_NAME, value=position))
