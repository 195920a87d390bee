"""The connection to Redis, with the retries and time limits that every process wants."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, TimeoutError

T = TypeVar("T")

TransportError = RedisError  # what any call to a transport may raise while its server is away


def connect(url: str, password_file: Path | None = None) -> Redis:
    """A client for `redis://` addresses; it reconnects by itself for about ten seconds.

    When all its connections are busy, callers wait for one. A command whose reply is lost
    is sent again, so every write of a transport bears repeating.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        password=password_file.read_text().strip() if password_file else None,
        connection_class=_Connection,
        max_connections=64,
        timeout=30,
        protocol=2,  # streams reply as lists; RESP3 would make them maps
        socket_timeout=30,
        socket_connect_timeout=5,
        health_check_interval=15,
        retry=_Retry(ExponentialBackoff(cap=2, base=0.05), 10),
        retry_on_error=[ConnectionError, TimeoutError],
    )
    return Redis.from_pool(pool)


class _Retry(Retry):
    """Gives up at once where a password is wrong: redis-py takes that for a lost connection."""

    async def call_with_retry(
        self, do: Callable[[], Awaitable[T]], fail: Callable[..., Any], *_: Any, **options: Any
    ) -> T:
        options["is_retryable"] = lambda error: not isinstance(error, AuthenticationError)
        return await super().call_with_retry(do, fail, **options)


class _Connection(Connection):
    """Heeds a cancellation that comes while it writes.

    redis-py writes under `asyncio.wait_for`, which in Python 3.11 returns instead of raising if the
    write ends in that moment: a loop that reads would never stop.
    """

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError
