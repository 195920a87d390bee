"""Token records in Redis: per attempt one hash of headers and one of arrays, written together.

The fields are call ids, so that a write repeated after a lost reply changes nothing. Calls at one moment
share a write, and the first calls of thousands of attempts share a read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.contracts.token_record import CallHeader, TokenArrays, TokenRecord
from services.transport.group_commit import GroupCommit
from services.transport.token_store.integrity import check_digest, in_order
from services.transport.token_store.port import DamagedRecord

_encoder = msgspec.msgpack.Encoder()
_headers = msgspec.msgpack.Decoder(CallHeader)
_arrays = msgspec.msgpack.Decoder(TokenArrays)
_READ_AT_ONCE = 64

_Hash = dict[bytes, bytes]
_Found = _Hash | RedisError  # what is wrong with one key is told to who asked for it


@dataclass
class _Wanted:
    """An attempt whose records are asked for, and what Redis holds of it."""

    rollout_id: str
    attempt: int
    found: Sequence[_Found] = ()


class RedisTokenStore:
    """Records expire `lifetime_s` seconds after the last call of their attempt, if nobody discards them."""

    def __init__(self, redis: Redis, lifetime_s: int = 86_400) -> None:
        self._redis: Any = redis  # redis-py types replies for both of its decoding modes
        self._lifetime_s = lifetime_s
        self._commits = GroupCommit(self._write)
        self._reads = GroupCommit(self._read)

    async def append(self, record: TokenRecord) -> None:
        await self._commits.add(check_digest(record.checked()))

    async def _write(self, records: list[TokenRecord]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            for record in records:
                call_id = record.header.call_id
                headers, arrays = _keys(record.header.rollout_id, record.header.attempt)
                pipe.hset(headers, call_id, _encoder.encode(record.header))
                pipe.hset(arrays, call_id, _encoder.encode(record.arrays))
                pipe.expire(headers, self._lifetime_s)
                pipe.expire(arrays, self._lifetime_s)
            await pipe.execute()

    async def headers(self, rollout_id: str, attempt: int) -> list[CallHeader]:
        key, _ = _keys(rollout_id, attempt)
        return in_order(_headers.decode(raw) for raw in await self._redis.hvals(key))

    async def records(self, rollout_id: str, attempt: int) -> list[TokenRecord]:
        wanted = _Wanted(rollout_id, attempt)
        await self._reads.add(wanted)
        headers, arrays = map(_hash, wanted.found)
        if headers.keys() != arrays.keys():
            raise DamagedRecord(f"rollout {rollout_id}: {len(headers)} headers but {len(arrays)} arrays")
        try:
            calls = in_order(_headers.decode(raw) for raw in headers.values())
            whole = [TokenRecord(call, _arrays.decode(arrays[call.call_id.encode()])) for call in calls]
        except msgspec.DecodeError as error:
            raise DamagedRecord(f"rollout {rollout_id}: {error}") from error
        return [check_digest(record) for record in whole]

    async def _read(self, wanted: list[_Wanted]) -> None:
        for start in range(0, len(wanted), _READ_AT_ONCE):
            some = wanted[start : start + _READ_AT_ONCE]
            async with self._redis.pipeline(transaction=True) as pipe:
                for one in some:
                    for key in _keys(one.rollout_id, one.attempt):
                        pipe.hgetall(key)
                found: list[_Found] = await pipe.execute(raise_on_error=False)
            for one, pair in zip(some, zip(found[::2], found[1::2], strict=True), strict=True):
                one.found = pair

    async def discard(self, rollout_id: str, attempt: int) -> None:
        await self._redis.delete(*_keys(rollout_id, attempt))


def _hash(found: _Found) -> _Hash:
    if isinstance(found, RedisError):
        raise found
    return found


def _keys(rollout_id: str, attempt: int) -> tuple[str, str]:
    """Both keys of an attempt; the braces keep them in one slot of a cluster."""
    stem = f"podium:tokens:{{{rollout_id}}}:{attempt}"
    return f"{stem}:headers", f"{stem}:arrays"
