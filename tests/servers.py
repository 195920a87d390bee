"""Real servers that tests share: Valkey and PostgreSQL, one for the session or one of a test's own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis as redis_client
from redis.asyncio import Redis

from bench.postgres import PostgresProcess
from bench.valkey import ValkeyProcess
from services.transport.connection import connect


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """The server of the session; use `redis_url`, which empties it first."""
    with ValkeyProcess(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyProcess]:
    """A server that this test may kill and start again."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    with ValkeyProcess(folder) as server:
        yield server


@pytest.fixture
def redis_url(valkey: ValkeyProcess) -> str:
    """The address of an empty Valkey."""
    with redis_client.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A connection to an empty Valkey, as the processes make it."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresProcess]:
    """The server of the session; `create_database` makes a test's own place in it."""
    with PostgresProcess() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresProcess]:
    """A server that this test may stop and start again."""
    with PostgresProcess() as server:
        yield server
