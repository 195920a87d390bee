"""Remembers searches and pages for a while: a group's rollouts ask the same things at the same time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from environments.search.corpus.page import Page
from environments.search.index.engine import Hit, Library, SearchEngine

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """The latest `size` values for `seconds` each; what several want at once is made once.

    Keeps no error and nothing empty: whoever asks later may be luckier.
    """

    def __init__(self, size: int = 4096, seconds: float = 3600.0) -> None:
        self._size = size
        self._seconds = seconds
        self._kept: OrderedDict[str, tuple[float, Value]] = OrderedDict()
        self._making: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, make: Callable[[], Awaitable[Value]]) -> Value:
        lock = self._making.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                if self._fresh(key):
                    return self._kept[key][1]
                value = await make()
                if value:
                    self._keep(key, value)
                return value
        finally:
            if not lock.locked():
                self._making.pop(key, None)

    def _fresh(self, key: str) -> bool:
        return key in self._kept and time.monotonic() - self._kept[key][0] <= self._seconds

    def _keep(self, key: str, value: Value) -> None:
        self._kept[key] = (time.monotonic(), value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


@dataclass(frozen=True)
class CachedEngine:
    """A search engine that is not asked the same question twice."""

    engine: SearchEngine
    cache: Cache[list[Hit]]

    async def search(self, query: str, limit: int) -> list[Hit]:
        return await self.cache.get(f"{limit} {query}", lambda: self.engine.search(query, limit))


@dataclass(frozen=True)
class CachedLibrary:
    """A library that is not asked for the same page twice."""

    library: Library
    cache: Cache[Page]

    async def open(self, page: str) -> Page:
        return await self.cache.get(page, lambda: self.library.open(page))
