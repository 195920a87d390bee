"""Group commit: what arrives while a write is under way goes out together in the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """One write at a time, each of all items that wait; a write to a disk costs the same for many as for one.

    The first waiter of a batch writes it for all of them. If it is cancelled meanwhile, the next one
    writes the batch again: `write` must be idempotent.
    """

    def __init__(self, write: Callable[[list[T]], Awaitable[None]]) -> None:
        self._write = write
        self._collecting: _Batch[T] = _Batch()
        self._one_at_a_time = asyncio.Lock()

    async def add(self, item: T) -> None:
        """Returns when the item has been written; raises what the write of its batch raised."""
        batch = self._collecting
        batch.items.append(item)
        async with self._one_at_a_time:
            if not batch.ended:
                if batch is self._collecting:
                    self._collecting = _Batch()
                await self._end(batch)
        if batch.error is not None:
            raise batch.error

    async def _end(self, batch: "_Batch[T]") -> None:
        try:
            await self._write(batch.items)
        except Exception as error:  # every waiter of the batch is told
            batch.error = error
        batch.ended = True


class _Batch(Generic[T]):
    def __init__(self) -> None:
        self.items: list[T] = []
        self.ended = False
        self.error: Exception | None = None
