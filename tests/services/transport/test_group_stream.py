"""The contract of the group stream, over memory and Redis."""

import asyncio
import math

import pytest

from services.transport.group_stream import GroupStream
from tests.services.transport.conftest import Reopen
from tests.services.transport.words import sealed_group

SOON = 0.05


async def test_groups_come_once_and_in_order(stream: GroupStream) -> None:
    groups = [sealed_group() for _ in range(5)]
    entry_ids = [await stream.append(group) for group in groups]
    delivered = [*await stream.read(2, SOON), *await stream.read(10, SOON)]
    assert [delivery.group for delivery in delivered] == groups
    assert [delivery.entry_id for delivery in delivered] == entry_ids
    assert await stream.read(10, SOON) == []


async def test_a_reader_waits_for_the_first_group(stream: GroupStream) -> None:
    reading = asyncio.create_task(stream.read(1, 5.0))
    await asyncio.sleep(SOON)
    group = sealed_group()
    await stream.append(group)
    assert [delivery.group for delivery in await reading] == [group]


async def test_the_unacknowledged_comes_again_to_a_restarted_reader(reopen: Reopen) -> None:
    stream = await reopen()
    groups = [sealed_group() for _ in range(3)]
    for group in groups:
        await stream.append(group)
    first, *_ = await stream.read(2, SOON)
    await stream.acknowledge([first.entry_id])

    again = await reopen()
    assert [delivery.group for delivery in await again.unacknowledged()] == groups[1:2]
    assert [delivery.group for delivery in await again.read(5, SOON)] == groups[2:]
    assert len(await again.unacknowledged()) == 2


async def test_acknowledging_removes(stream: GroupStream) -> None:
    kept, gone = sealed_group(), sealed_group()
    for group in (gone, kept):
        await stream.append(group)
    delivered = await stream.read(2, SOON)
    assert await stream.backlog() == 2
    await stream.acknowledge([delivered[0].entry_id])
    await stream.acknowledge([delivered[0].entry_id])
    await stream.acknowledge([])
    assert await stream.backlog() == 1
    assert await stream.group_ids() == {kept.group_id}
    assert [delivery.group for delivery in await stream.unacknowledged()] == [kept]


@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf])
async def test_no_non_finite_reward_enters(stream: GroupStream, reward: float) -> None:
    with pytest.raises(ValueError, match="non-finite"):
        await stream.append(sealed_group(reward))
    assert await stream.backlog() == 0


async def test_cancelled_reads_lose_nothing(stream: GroupStream) -> None:
    """Readers are cancelled while groups arrive; whatever they dropped comes with a later read."""
    groups = [sealed_group() for _ in range(40)]
    seen: list[str] = []

    async def read_on() -> None:
        while True:
            seen.extend(delivery.group.group_id for delivery in await stream.read(3, 1.0))

    for number, group in enumerate(groups):
        reading = asyncio.create_task(read_on())
        await asyncio.sleep(0.0005 * (number % 7))
        await stream.append(group)
        await asyncio.sleep(0.0002 * (number % 5))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    while left := await stream.read(10, SOON):
        seen.extend(delivery.group.group_id for delivery in left)
    assert seen == [group.group_id for group in groups]
