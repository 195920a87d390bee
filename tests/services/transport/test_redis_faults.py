"""What the Redis forms promise when the server, the connection or a record breaks."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, ResponseError

from bench.valkey import ValkeyProcess
from services.contracts.weights import WeightAnnouncement
from services.contracts.words import new_id
from services.transport.connection import connect
from services.transport.group_stream import RedisGroupStream
from services.transport.token_store import DamagedRecord, RedisTokenStore
from services.transport.weight_channel import RedisWeightChannel
from tests.services.transport.words import ROLLOUT, sealed_group, token_record


async def test_everything_survives_the_death_of_the_server(own_valkey: ValkeyProcess) -> None:
    redis = connect(own_valkey.url)
    stream, store, channel = RedisGroupStream(redis), RedisTokenStore(redis), RedisWeightChannel(redis)
    groups = [sealed_group() for _ in range(3)]
    record, weights = token_record([1, 2], [3]), WeightAnnouncement(3, "weights/3", 12, "d", 1.5)
    for group in groups:
        await stream.append(group)
    await store.append(record)
    await channel.announce(weights)
    (taken,) = await stream.read(1, 1)

    own_valkey.kill()
    own_valkey.start()
    assert [delivery.group for delivery in await stream.read(5, 1)] == groups[1:]
    assert (await stream.unacknowledged())[0] == taken
    assert await store.records(ROLLOUT, 1) == [record]
    assert await channel.latest() == weights
    await redis.aclose()


async def test_a_waiting_reader_outlives_the_server(own_valkey: ValkeyProcess) -> None:
    redis = connect(own_valkey.url)
    stream = RedisGroupStream(redis)
    reading = asyncio.create_task(stream.read(1, 5))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(own_valkey.kill)
    await asyncio.sleep(0.1)
    await asyncio.to_thread(own_valkey.start)
    group = sealed_group()
    await stream.append(group)
    assert [delivery.group for delivery in await reading] == [group]
    await redis.aclose()


async def test_a_key_that_is_no_hash_troubles_nobody_else(redis: Redis) -> None:
    """Readers of one moment share a read: what is wrong with one attempt is told to that one alone."""
    store, record, other = RedisTokenStore(redis), token_record([1, 2], [3]), new_id()
    await store.append(record)
    await redis.set(f"podium:tokens:{{{other}}}:1:headers", "x")
    asked = [(ROLLOUT, 0), (other, 1), (ROLLOUT, 1)]  # the first is under way alone, the rest share the next
    _, broken, sound = await asyncio.gather(*(store.records(*one) for one in asked), return_exceptions=True)
    assert isinstance(broken, ResponseError)
    assert sound == [record]


async def test_the_stream_works_again_after_amnesia(redis: Redis) -> None:
    stream = RedisGroupStream(redis)
    await stream.append(sealed_group())
    await stream.read(1, 0.05)
    await redis.flushall()
    assert await stream.backlog() == 0
    assert await stream.read(1, 0.05) == []
    group = sealed_group()
    await stream.append(group)
    assert [delivery.group for delivery in await stream.read(1, 0.05)] == [group]


async def test_amnesia_under_a_waiting_reader(redis: Redis) -> None:
    stream = RedisGroupStream(redis)
    reading = asyncio.create_task(stream.read(1, 5))
    await asyncio.sleep(0.05)
    await redis.flushall()
    group = sealed_group()
    await stream.append(group)
    assert [delivery.group for delivery in await reading] == [group]


async def test_a_reply_lost_on_its_way_comes_with_the_next_read(redis: Redis) -> None:
    """Redis counts what it sent as delivered, also when the connection broke under it."""
    stream = RedisGroupStream(redis)
    groups = [sealed_group() for _ in range(3)]
    first = await stream.append(groups[0])
    await stream.read(1, 0.05)
    for group in groups[1:]:
        await stream.append(group)
    raw: Any = redis
    await raw.xreadgroup("learner", "rank0", {"podium:groups": ">"}, count=1)

    assert [delivery.group for delivery in await stream.read(5, 0.05)] == groups[1:2]
    assert [delivery.group for delivery in await stream.read(5, 0.05)] == groups[2:]
    assert await stream.read(5, 0.05) == []
    assert (await stream.unacknowledged())[0].entry_id == first


async def test_acknowledging_leaves_nothing_pending(redis: Redis) -> None:
    stream = RedisGroupStream(redis)
    entry_ids = [await stream.append(sealed_group()) for _ in range(2)]
    await stream.read(2, 0.05)
    await stream.acknowledge(entry_ids)
    raw: Any = redis
    assert (await raw.xpending("podium:groups", "learner"))["pending"] == 0
    assert await stream.unacknowledged() == []


async def test_a_quiet_stream_is_not_a_dead_server(redis_url: str) -> None:
    """A read that may wait longer than the socket timeout comes back before it."""
    redis = connect(redis_url)
    assert redis.connection_pool.connection_kwargs["socket_timeout"] > 10
    started = time.monotonic()
    assert await RedisGroupStream(redis).read(1, 3600) == []
    assert time.monotonic() - started < 10
    await redis.aclose()


async def test_a_damaged_record_is_found(redis: Redis) -> None:
    store = RedisTokenStore(redis)
    record = token_record([1, 2], [3, 4])
    await store.append(record)
    key = f"podium:tokens:{{{ROLLOUT}}}:1:arrays"
    raw: Any = redis
    stored = await raw.hget(key, record.header.call_id)
    for damaged in (stored.replace(b"\x03\x00\x00\x00", b"\x05\x00\x00\x00"), stored[:-1], b""):
        await raw.hset(key, record.header.call_id, damaged)
        with pytest.raises(DamagedRecord):
            await store.records(ROLLOUT, 1)


async def test_a_damaged_entry_is_set_aside_and_stops_nobody(redis: Redis) -> None:
    """It would come again at every start; its group comes again from the record."""
    raw: Any = redis
    stream, good = RedisGroupStream(redis), sealed_group()
    await raw.xadd("podium:groups", {"group": b"\xc1 damaged"})
    await stream.append(good)
    assert await stream.group_ids() == {good.group_id}
    deliveries = await stream.read(10, 1)
    assert [delivery.group.group_id for delivery in deliveries] == [good.group_id]
    assert list((await raw.hgetall("podium:groups:dead")).values()) == [b"\xc1 damaged"]
    await stream.acknowledge([delivery.entry_id for delivery in deliveries])
    assert await RedisGroupStream(redis).unacknowledged() == []
    assert await stream.backlog() == 0


async def test_a_record_without_its_arrays_is_found(redis: Redis) -> None:
    store = RedisTokenStore(redis)
    await store.append(token_record([1], [2]))
    await redis.delete(f"podium:tokens:{{{ROLLOUT}}}:1:arrays")
    with pytest.raises(DamagedRecord, match="1 headers but 0 arrays"):
        await store.records(ROLLOUT, 1)


async def test_records_expire_some_time_after_the_last_call(redis: Redis) -> None:
    store = RedisTokenStore(redis, lifetime_s=100)
    await store.append(token_record([1], [2]))
    keys = [key async for key in redis.scan_iter("podium:tokens:*")]
    assert len(keys) == 2
    for key in keys:
        await redis.expire(key, 10)
    await store.append(token_record([1], [2], index=1))
    assert all([90 < await redis.ttl(key) <= 100 for key in keys])


async def test_no_stream_has_a_length_limit(redis: Redis) -> None:
    """MAXLEN destroys undelivered work in silence: thousands of groups wait untouched."""
    stream = RedisGroupStream(redis)
    groups = [sealed_group(rollouts=1) for _ in range(3000)]
    for start in range(0, 3000, 100):
        await asyncio.gather(*(stream.append(group) for group in groups[start : start + 100]))
    assert await stream.backlog() == 3000
    assert {delivery.group.group_id for delivery in await stream.read(3000, 1)} == {
        group.group_id for group in groups
    }


async def test_a_password_comes_from_a_file(own_valkey: ValkeyProcess, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    plain, known = connect(own_valkey.url), connect(own_valkey.url, password)
    await plain.config_set("requirepass", "secret")
    assert await known.ping()
    other = connect(own_valkey.url)
    with pytest.raises(AuthenticationError):
        await other.ping()
    for redis in (plain, known, other):
        await redis.aclose()
