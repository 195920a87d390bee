"""What is asked twice is fetched once, for a while; what failed is asked again."""

import asyncio

import pytest

from environments.search.index.engine import Hit
from environments.search.web.cache import Cache, CachedEngine


class Slow:
    """An engine that counts, takes its time, fails when it is told to, and finds what it has."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken = False
        self.hits = [Hit("a", "A", "About a.")]

    async def search(self, query: str, limit: int) -> list[Hit]:
        self.asked.append(query)
        await asyncio.sleep(0.01)
        if self.broken:
            raise ConnectionError(query)
        return self.hits


async def test_many_at_once_are_one_question() -> None:
    slow = Slow()
    engine = CachedEngine(slow, Cache())
    await asyncio.gather(*(engine.search("x", 5) for _ in range(50)))
    await engine.search("x", 5)
    assert slow.asked == ["x"]
    await engine.search("x", 6)
    assert slow.asked == ["x", "x"]


async def test_a_failure_is_not_kept() -> None:
    slow = Slow()
    engine = CachedEngine(slow, Cache())
    slow.broken = True
    with pytest.raises(ConnectionError):
        await engine.search("x", 5)
    slow.broken = False
    assert await engine.search("x", 5) == slow.hits


async def test_nothing_found_is_not_kept() -> None:
    slow = Slow()
    engine, slow.hits = CachedEngine(slow, Cache()), []
    assert await engine.search("x", 5) == await engine.search("x", 5) == []
    assert slow.asked == ["x", "x"]


async def test_the_oldest_goes_and_so_does_the_stale() -> None:
    slow = Slow()
    engine = CachedEngine(slow, Cache(size=2))
    for query in "abca":
        await engine.search(query, 5)
    assert slow.asked == list("abca")
    at_once = CachedEngine(slow, Cache(seconds=0))
    await at_once.search("z", 5)
    await asyncio.sleep(0.002)
    await at_once.search("z", 5)
    assert slow.asked[-2:] == ["z", "z"]


async def test_one_that_gives_up_takes_nobody_with_it() -> None:
    slow = Slow()
    engine = CachedEngine(slow, Cache())
    first, second = (asyncio.create_task(engine.search("x", 5)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == slow.hits
