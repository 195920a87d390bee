"""The store: changes run in one writer thread and share commits, questions run in reader threads.

A commit with full sync costs the same for one change as for fifty, and neither may hold up the event
loop. Whatever waits while a commit is under way goes into the next one.

A server that dies during a commit leaves open whether it happened. Each commit therefore carries a mark;
before anything else is written, the mark that is found tells, and those who wait are told the truth.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from secrets import token_hex
from threading import Thread
from time import perf_counter
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import DBAPIError

from orchestrator.store.database import open_database
from orchestrator.store.tables import switches
from services.kit.failure import Failure, Unavailable

Result = TypeVar("Result")
_MOST_IN_A_COMMIT = 256
_ASK_AGAIN_S = 0.5
_MARK = "commit"


@dataclass
class _Job(Generic[Result]):
    """One change, and who waits for it. `then` sees the result first, in the event loop."""

    change: Callable[[Connection], Result]
    then: Callable[[Result], None]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Result]
    result: Any = None
    error: BaseException | None = None


@dataclass(frozen=True)
class _Doubt:
    """A commit that nobody answered: done if the record carries its mark."""

    mark: str
    jobs: list[_Job[Any]]
    error: DBAPIError


class Store:
    """Use as `async with`: it brings the tables up to date, then takes changes and questions."""

    def __init__(self, url: str, on_commit: Callable[[float, int], None] = lambda seconds, n: None) -> None:
        self._url = url
        self._on_commit = on_commit
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._doubt: _Doubt | None = None

    async def __aenter__(self) -> "Store":
        self._engine: Engine = await asyncio.to_thread(_open, self._url)
        self._readers = ThreadPoolExecutor(2, "store-reader")
        self._writer = Thread(target=self._write_all, name="store-writer")
        self._writer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.shutdown)
        self._engine.dispose()

    async def write(
        self, change: Callable[[Connection], Result], then: Callable[[Result], None] = lambda result: None
    ) -> Result:
        """Run `change` in a transaction; returns once it is durable. It may run twice, with one effect.

        `then` is called with the result in the event loop, in the order of commits, even if the caller
        has gone away. Raises Unavailable if the database cannot, and whatever `change` raises, with
        nothing of it done.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()
        self._jobs.put(_Job(change, then, loop, done))
        return await done

    async def read(self, question: Callable[[Connection], Result]) -> Result:
        """Ask, at a committed state. Raises Unavailable if the database cannot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._ask, question)

    def _ask(self, question: Callable[[Connection], Result]) -> Result:
        try:
            with self._engine.connect() as connection:
                return question(connection)
        except DBAPIError as error:
            raise _unavailable(error) from error

    def _write_all(self) -> None:
        while batch := self._next_batch():
            self._commit(batch)
        if self._doubt is not None and not self._settled():
            self._end(self._doubt.jobs, _unavailable(self._doubt.error))

    def _next_batch(self) -> list[_Job[Any]]:
        """What waits now, at least one job; empty when the store closes."""
        first = self._first()
        if first is None:
            return []
        batch = [first]
        while len(batch) < _MOST_IN_A_COMMIT:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            batch.append(job)
        return batch

    def _first(self) -> _Job[Any] | None:
        """Waits for a job; meanwhile it asks what became of a commit in doubt."""
        while self._doubt is not None:
            try:
                return self._jobs.get(timeout=_ASK_AGAIN_S)
            except Empty:
                self._settled()
        return self._jobs.get()

    def _commit(self, batch: list[_Job[Any]]) -> None:
        """All in one transaction; if one of them fails, each in its own, so that it fails alone."""
        if self._together(batch) is None:
            return
        for job in batch:
            if error := self._together([job]):
                self._end([job], _unavailable(error) if isinstance(error, DBAPIError) else error)

    def _together(self, jobs: list[_Job[Any]]) -> Exception | None:
        """Run and commit; returns why nothing of it was done. A commit in doubt is settled first."""
        mark, committing, started = token_hex(8), False, perf_counter()
        try:
            self._settle()
            with self._engine.begin() as connection:
                for job in jobs:
                    job.result = job.change(connection)
                connection.execute(update(switches).where(switches.c.name == _MARK).values(value=mark))
                committing = True
        except DBAPIError as error:
            if not committing:
                return error
            self._doubt = _Doubt(mark, jobs, error)
            self._settled()
            return None
        except Exception as error:  # boundary: a change's error belongs to who asked for it
            return error
        self._on_commit(perf_counter() - started, len(jobs))
        self._end(jobs)
        return None

    def _settled(self) -> bool:
        try:
            self._settle()
        except DBAPIError:
            return False
        return True

    def _settle(self) -> None:
        """Find out what became of a commit in doubt. Raises DBAPIError while the database is away.

        The row is locked for it: a server that is still at that commit answers when it has ended.
        """
        doubt = self._doubt
        if doubt is None:
            return
        found = select(switches.c.value).where(switches.c.name == _MARK).with_for_update()
        with self._engine.begin() as connection:
            committed = connection.execute(found).scalar_one() == doubt.mark
        self._doubt = None
        self._end(doubt.jobs, None if committed else _unavailable(doubt.error))

    def _end(self, jobs: list[_Job[Any]], error: Exception | None = None) -> None:
        for job in jobs:
            job.error = error
        jobs[0].loop.call_soon_threadsafe(_deliver, jobs)


def _open(url: str) -> Engine:
    engine = open_database(url)
    with engine.begin() as connection:
        marked = select(switches.c.value).where(switches.c.name == _MARK)
        if connection.execute(marked).one_or_none() is None:
            connection.execute(insert(switches).values(name=_MARK, value=""))
    return engine


def _deliver(batch: list[_Job[Any]]) -> None:
    for job in batch:
        if job.error is None:
            job.then(job.result)
        if job.done.done():  # its caller was cancelled
            continue
        if job.error is None:
            job.done.set_result(job.result)
        else:
            job.done.set_exception(job.error)


def _unavailable(error: DBAPIError) -> Failure:
    full = "full" in str(error.orig).lower()
    return Unavailable(
        f"the store cannot: {error.orig}",
        status=507 if full else 503,
        remedy="free disk space" if full else "try again later",
        retry_after_s=2,
    )
