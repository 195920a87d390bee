"""Group commit: what arrives while a write is under way goes out together in the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_LEAD: Final = object()  # told to a waiter: the write of its batch falls to it


class GroupCommit(Generic[T]):
    """One write at a time, each of all items that wait; a write to a disk costs the same for many as for one.

    One waiter of a batch writes it, and tells the others when it is done. If it is cancelled meanwhile,
    another one writes the batch again: `write` must be idempotent.
    """

    def __init__(self, write: Callable[[list[T]], Awaitable[None]]) -> None:
        self._write = write
        self._collecting: _Batch[T] = _Batch()
        self._writing = False

    async def add(self, item: T) -> None:
        """Returns when the item has been written; raises what the write of its batch raised."""
        batch = self._collecting
        batch.items.append(item)
        if self._writing:
            told = await self._told(batch)
            if isinstance(told, Exception):
                raise told
            if told is not _LEAD:
                return
        await self._lead(batch)

    async def _told(self, batch: "_Batch[T]") -> object:
        """Wait for the write of a batch: None, its error, or _LEAD."""
        waiter = asyncio.get_running_loop().create_future()
        batch.waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.result() is _LEAD:
                self._pass_on(batch)
            raise

    async def _lead(self, batch: "_Batch[T]") -> None:
        self._writing = True
        if batch is self._collecting:
            self._collecting = _Batch()
        try:
            await self._write(batch.items)
        except Exception as error:  # every waiter of the batch is told
            batch.tell(error)
            raise
        else:
            batch.tell(None)
        finally:
            self._pass_on(batch)

    def _pass_on(self, batch: "_Batch[T]") -> None:
        """Let a waiter of `batch` write it, if it is not written; then one of the batch that collects."""
        for waiting in (batch, self._collecting):
            waiter = waiting.next()
            if waiter is not None:
                waiter.set_result(_LEAD)
                return
        self._writing = False


class _Batch(Generic[T]):
    def __init__(self) -> None:
        self.items: list[T] = []
        self.waiters: deque[asyncio.Future[object]] = deque()

    def tell(self, outcome: Exception | None) -> None:
        while (waiter := self.next()) is not None:
            waiter.set_result(outcome)

    def next(self) -> asyncio.Future[object] | None:
        """Takes out one that still waits."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                return waiter
        return None
