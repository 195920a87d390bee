"""Both forms of each transport, so that one contract test runs over both."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from services.transport.connection import connect
from services.transport.group_stream import GroupStream, MemoryGroupStream, RedisGroupStream
from services.transport.token_store import MemoryTokenStore, RedisTokenStore, TokenStore
from services.transport.weight_channel import MemoryWeightChannel, RedisWeightChannel, WeightChannel

Reopen = Callable[[], Awaitable[GroupStream]]


@pytest.fixture(params=["memory", "redis"])
async def reopen(request: pytest.FixtureRequest) -> AsyncIterator[Reopen]:
    """Opens the one stream anew, as a restarted process does: memory keeps its object."""
    async with AsyncExitStack() as connections:
        memory = MemoryGroupStream()
        redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else None

        async def open_stream() -> GroupStream:
            if redis_url is None:
                return memory
            redis = connect(redis_url)
            connections.push_async_callback(redis.aclose)
            return RedisGroupStream(redis)

        yield open_stream


@pytest.fixture
async def stream(reopen: Reopen) -> GroupStream:
    return await reopen()


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[TokenStore]:
    if request.param == "memory":
        yield MemoryTokenStore()
        return
    redis = connect(request.getfixturevalue("redis_url"))
    yield RedisTokenStore(redis)
    await redis.aclose()


@pytest.fixture(params=["memory", "redis"])
async def channel(request: pytest.FixtureRequest) -> AsyncIterator[WeightChannel]:
    if request.param == "memory":
        yield MemoryWeightChannel()
        return
    redis = connect(request.getfixturevalue("redis_url"))
    yield RedisWeightChannel(redis)
    await redis.aclose()
