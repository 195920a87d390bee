"""The rollout attempts that are being served, each with its history; idle ones are forgotten."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import islice

from services.contracts.cause import Cause
from services.contracts.token_record import TokenRecord
from services.gateway.failures import RecordNotKept, StillRunning
from services.gateway.heard import Heard
from services.gateway.history import Call, History, Spoken
from services.gateway.placement import Placements
from services.kit.access import Claims
from services.kit.failure import Failure, Forbidden, Unavailable
from services.transport.token_store import DamagedRecord, TokenStore


class Session:
    """One attempt. The store is the record: what is here can be rebuilt from it at any time."""

    def __init__(self, rollout_id: str, attempt: int, store: TokenStore) -> None:
        self.rollout_id = rollout_id
        self.attempt = attempt
        self.history = History()
        self.heard = Heard()
        self.users = 0
        self.used_at = time.monotonic()
        self._store = store
        self._behind = True  # the store may hold records that the history does not
        self._catching_up = asyncio.Lock()
        self._running: set[str] = set()

    async def catch_up(self) -> None:
        """Learn what the store holds, unless it is known already."""
        async with self._catching_up:
            if not self._behind:
                return
            for record in sorted(await self._stored(), key=lambda record: record.header.index):
                self.history.add(record)
            self._behind = False

    async def keep(self, record: TokenRecord, said: Spoken) -> Call:
        """Record before reply. Raises RecordNotKept (503) if the store does not confirm it."""
        try:
            await self._store.append(record)
        except Exception as error:  # whatever failed: unconfirmed is not kept, and nobody sees the reply
            self._behind = True
            raise RecordNotKept(f"the reply could not be recorded: {error!r}") from error
        return self.history.add(record, said)

    @contextmanager
    def running(self, call_id: str) -> Iterator[None]:
        """Mark a call as under way. Raises StillRunning (409) if it is already."""
        if call_id in self._running:
            raise StillRunning("the first request with this idempotency key has not ended", retry_after_s=1)
        self._running.add(call_id)
        try:
            yield
        finally:
            self._running.discard(call_id)

    async def _stored(self) -> list[TokenRecord]:
        try:
            return await self._store.records(self.rollout_id, self.attempt)
        except DamagedRecord as error:
            raise Failure(f"a record is damaged: {error}", cause=Cause.LOST) from error
        except Exception as error:  # without its records an attempt cannot go on
            raise Unavailable(f"the records could not be read: {error!r}", retry_after_s=1) from error


class Sessions:
    """One session a rollout: its newest attempt."""

    def __init__(
        self, store: TokenStore, placements: Placements, most: int = 20_000, idle_s: float = 3600.0
    ) -> None:
        self._store = store
        self._placements = placements
        self._most = most
        self._idle_s = idle_s
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    @asynccontextmanager
    async def session(self, claims: Claims) -> AsyncIterator[Session]:
        """The session that a capability opens. Raises Forbidden (403) once a newer attempt was here."""
        session = self._current(claims)
        session.users += 1
        try:
            await session.catch_up()
            yield session
        finally:
            session.users -= 1
            session.used_at = time.monotonic()

    def heard(self, claims: Claims) -> Heard:
        """What the attempt's requests have said so far; nothing if it is not here."""
        session = self._sessions.get(claims.rollout_id or "")
        return session.heard if session is not None and session.attempt == claims.attempt else Heard()

    def _current(self, claims: Claims) -> Session:
        rollout_id, attempt = claims.rollout_id, claims.attempt
        if rollout_id is None or attempt is None:
            raise Forbidden("this token is not for a rollout; use the API key that came with the rollout")
        session = self._sessions.get(rollout_id)
        if session is not None and attempt < session.attempt:
            raise Forbidden(f"attempt {attempt} is over: attempt {session.attempt} has begun")
        if session is None or attempt > session.attempt:
            session = self._sessions[rollout_id] = Session(rollout_id, attempt, self._store)
            self._forget_idle()
        self._sessions.move_to_end(rollout_id)
        return session

    def _forget_idle(self) -> None:
        """From the one unused for longest on, as far as the limits ask and nobody is using one."""
        oldest = time.monotonic() - self._idle_s
        for rollout_id, session in list(islice(self._sessions.items(), 16)):
            if session.users == 0 and (session.used_at < oldest or len(self._sessions) > self._most):
                del self._sessions[rollout_id]
                self._placements.release(rollout_id)
