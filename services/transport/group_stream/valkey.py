"""The stream of sealed groups in Redis: one stream, one consumer group, no MAXLEN.

MAXLEN would destroy undelivered groups in silence; acknowledged entries are deleted instead.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.contracts.sealed_group import SealedGroup
from services.transport.group_stream.port import Delivery

log = structlog.get_logger()

STREAM = "podium:groups"
_CONSUMERS = "learner"
_CONSUMER = "rank0"
_FIELD = b"group"
_LONGEST_BLOCK_S = 2.0  # far below the socket timeout, or a quiet stream would look like a dead server

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(SealedGroup)


class RedisGroupStream:
    """At-least-once delivery through a consumer group that is created when first needed.

    Redis counts a group as delivered when it sends it, so a reply lost on the way (a broken connection,
    a cancelled read) would hide its groups until a restart. Each read therefore compares what Redis
    holds as pending with what was handed out here, and first hands out the rest.
    """

    def __init__(self, redis: Redis, stream: str = STREAM) -> None:
        self._redis: Any = redis  # redis-py types replies for both of its decoding modes
        self._stream = stream
        self._handed: set[str] = set()

    async def append(self, group: SealedGroup) -> str:
        entry_id = await self._redis.xadd(self._stream, {_FIELD: _encoder.encode(group.checked())})
        return str(entry_id.decode())

    async def read(self, count: int, wait_s: float) -> list[Delivery]:
        if await self._pending() > len(self._handed):
            missed = [entry for entry in await self._entries("0") if entry.entry_id not in self._handed]
            if missed:
                return self._hand_out(missed[:count])
        block_ms = max(1, int(min(wait_s, _LONGEST_BLOCK_S) * 1000))
        return self._hand_out(await self._entries(">", count, block_ms))

    async def unacknowledged(self) -> list[Delivery]:
        return self._hand_out(await self._entries("0"))

    async def acknowledge(self, entry_ids: list[str]) -> None:
        if not entry_ids:
            return
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xack(self._stream, _CONSUMERS, *entry_ids)
            pipe.xdel(self._stream, *entry_ids)
            await pipe.execute()
        self._handed -= set(entry_ids)

    async def backlog(self) -> int:
        return int(await self._redis.xlen(self._stream))

    async def group_ids(self) -> set[str]:
        entries = await self._redis.xrange(self._stream)
        groups = [_decoded(fields) for _, fields in entries]
        return {group.group_id for group in groups if group is not None}

    def _hand_out(self, deliveries: list[Delivery]) -> list[Delivery]:
        self._handed |= {delivery.entry_id for delivery in deliveries}
        return deliveries

    async def _entries(
        self, start: str, count: int | None = None, block_ms: int | None = None
    ) -> list[Delivery]:
        """Entries from `start` on: ">" for new ones, "0" for those that are pending."""
        reply = await self._with_consumers(
            lambda: self._redis.xreadgroup(
                _CONSUMERS, _CONSUMER, {self._stream: start}, count=count, block=block_ms
            )
        )
        deliveries = []
        for entry_id, fields in reply[0][1] if reply else []:
            group = _decoded(fields)
            if group is not None:
                deliveries.append(Delivery(entry_id.decode(), group))
            elif fields:
                await self._bury(entry_id, fields)
        return deliveries

    async def _bury(self, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
        """An entry that nobody can read is kept aside and leaves the stream: it would come again for ever.
        The group itself comes again from the record, where it is whole."""
        log.error("damaged entry", stream=self._stream, entry_id=entry_id.decode())
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(f"{self._stream}:dead", entry_id, fields.get(_FIELD, b""))
            pipe.xack(self._stream, _CONSUMERS, entry_id)
            pipe.xdel(self._stream, entry_id)
            await pipe.execute()

    async def _pending(self) -> int:
        """How many entries Redis has sent and nobody has acknowledged."""
        summary = await self._with_consumers(lambda: self._redis.xpending(self._stream, _CONSUMERS))
        return int(summary["pending"])

    async def _with_consumers(self, command: Callable[[], Awaitable[Any]]) -> Any:
        """The command's reply; the consumer group is created if there is none (first use, FLUSHALL)."""
        while True:
            try:
                return await command()
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                await self._create_consumers()

    async def _create_consumers(self) -> None:
        self._handed.clear()
        try:
            await self._redis.xgroup_create(self._stream, _CONSUMERS, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


def _decoded(fields: dict[bytes, bytes]) -> SealedGroup | None:
    """The group of an entry; None if it cannot be read, or was deleted while it was pending."""
    try:
        return _decoder.decode(fields[_FIELD]) if fields else None
    except (KeyError, msgspec.DecodeError):
        return None
