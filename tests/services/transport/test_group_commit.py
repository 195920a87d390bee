"""Items that wait together are written together, and none is lost."""

import asyncio

import pytest

from services.transport.group_commit import GroupCommit


class Disk:
    """Takes a moment for each write, and fails when told to."""

    def __init__(self) -> None:
        self.writes: list[list[int]] = []
        self.busy = False
        self.failing = False

    async def write(self, items: list[int]) -> None:
        assert not self.busy, "one write at a time"
        self.busy = True
        try:
            await asyncio.sleep(0.01)
            if self.failing:
                raise OSError("full")
            self.writes.append(list(items))
        finally:
            self.busy = False


async def test_what_arrives_during_a_write_goes_out_in_the_next() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)
    await asyncio.gather(*(commits.add(i) for i in range(100)))
    assert sorted(i for items in disk.writes for i in items) == list(range(100))
    assert len(disk.writes) <= 2


async def test_an_item_is_written_when_its_add_returns() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)

    async def add(item: int) -> None:
        await asyncio.sleep(item % 7 / 500)
        await commits.add(item)
        assert any(item in items for items in disk.writes)

    await asyncio.gather(*(add(i) for i in range(50)))


async def test_everybody_in_a_failed_write_is_told_and_the_next_one_is_tried() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)
    disk.failing = True
    outcomes = await asyncio.gather(*(commits.add(i) for i in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OSError] * 5
    disk.failing = False
    await commits.add(6)
    assert disk.writes == [[6]]


async def test_a_cancelled_writer_takes_nobody_with_it() -> None:
    disk = Disk()
    commits = GroupCommit(disk.write)
    first, second = [asyncio.create_task(commits.add(i)) for i in range(2)]
    await asyncio.sleep(0.005)
    first.cancel()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert any(1 in items for items in disk.writes)
