"""The transactional outbox: sealed groups on their way from the record into the group stream.

A group and its outbox row commit together. The row goes only after the append, so a crash between the
two appends the group once more: at least once. The reconciler puts back what Redis has forgotten.
"""

import asyncio
from functools import partial

import msgspec
import structlog
from sqlalchemy import Connection, delete, func, insert, select

from orchestrator.changes import Change, GroupMoved
from orchestrator.lifecycle import GroupState
from orchestrator.loop import repeat
from orchestrator.store import Store
from orchestrator.store.tables import groups, outbox
from services.contracts.sealed_group import SealedGroup
from services.kit.crash import CrashPoints
from services.transport.group_stream import GroupStream

log = structlog.get_logger()

_BATCH = 64
_IDLE_S = 0.5
_RECONCILE_S = 5.0

_decoder = msgspec.msgpack.Decoder(SealedGroup)


class Outbox:
    """`backlog` is what waits for the learner: entries of the stream and rows not yet appended."""

    def __init__(self, store: Store, stream: GroupStream, crash: CrashPoints | None = None) -> None:
        self._store = store
        self._stream = stream
        self._crash = crash or CrashPoints()
        self._wake = asyncio.Event()
        self._missing: set[str] = set()
        self.backlog = 0

    def notice(self, change: Change) -> None:
        if isinstance(change, GroupMoved) and change.state == GroupState.SEALED:
            self._wake.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(repeat("outbox", self.relay, _IDLE_S, self._wake))
            tasks.create_task(repeat("reconciler", self.reconcile, _RECONCILE_S))

    async def relay(self) -> None:
        """Append what waits, oldest first, and count what is in the stream."""
        while waiting := await self._store.read(_waiting):
            for _, group in waiting:
                self._crash.reached("before_append")
                await self._stream.append(group)
                self._crash.reached("after_append")
            await self._store.write(partial(_sent, row_ids=[row_id for row_id, _ in waiting]))
        self.backlog = await self._stream.backlog() + await self._store.read(_count)

    async def reconcile(self) -> None:
        """Put back groups that are sealed but neither in the stream nor judged.

        A group that the learner has acknowledged and not yet reported looks the same for a moment, so
        only what is missing twice in a row is put back; the learner trains a group once in any case.
        """
        due = await self._store.read(_appended)
        missing = due - await self._stream.group_ids() if due else set()
        lost, self._missing = missing & self._missing, missing
        if lost:
            log.warning("groups were missing from the stream", groups=len(lost))
            await self._store.write(lambda connection: _put_back(connection, lost))
            self._wake.set()


def _waiting(connection: Connection) -> list[tuple[int, SealedGroup]]:
    rows = connection.execute(
        select(outbox.c.id, groups.c.payload)
        .join_from(outbox, groups, outbox.c.group_id == groups.c.group_id)
        .order_by(outbox.c.id)
        .limit(_BATCH)
    )
    return [(row.id, _decoder.decode(row.payload)) for row in rows]


def _sent(connection: Connection, row_ids: list[int]) -> None:
    connection.execute(delete(outbox).where(outbox.c.id.in_(row_ids)))


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(outbox)).scalar_one()


def _appended(connection: Connection) -> set[str]:
    """Groups that should be in the stream: sealed, not judged, and no longer in the outbox."""
    pending = select(outbox.c.group_id)
    sealed = select(groups.c.group_id).where(
        groups.c.state == GroupState.SEALED, groups.c.group_id.not_in(pending)
    )
    return set(connection.execute(sealed).scalars())


def _put_back(connection: Connection, group_ids: set[str]) -> None:
    still = select(groups.c.group_id).where(
        groups.c.group_id.in_(group_ids),
        groups.c.state == GroupState.SEALED,
        groups.c.group_id.not_in(select(outbox.c.group_id)),
    )
    rows = [{"group_id": group_id} for group_id in connection.execute(still.order_by(groups.c.seq)).scalars()]
    if rows:
        connection.execute(insert(outbox), rows)
