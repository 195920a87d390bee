"""Boxes that wait: for whom, how many, and not for ever."""

import asyncio

from services.sandbox.docker.warm import WarmPool, WarmRules
from services.sandbox.port import SandboxFailure


class Box:
    def __init__(self, plan: str) -> None:
        self.plan = plan
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class World:
    def __init__(self) -> None:
        self.made: list[Box] = []
        self.fails = False

    async def start(self, plan: str) -> Box:
        await asyncio.sleep(0)
        if self.fails:
            raise SandboxFailure("no room")
        self.made.append(Box(plan))
        return self.made[-1]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_second_of_a_plan_finds_a_box_and_leaves_another() -> None:
    world = World()
    pool: WarmPool[str, Box] = WarmPool(world.start, WarmRules(each=1))
    async with pool.running():
        assert pool.take("a") is None
        await settled()
        first = pool.take("a")
        assert first is world.made[0]
        await settled()
        assert len(pool) == 1
        assert pool.take("b") is None
    assert not first.closed  # whoever took it closes it
    assert all(box.closed for box in world.made[1:])


async def test_never_more_than_allowed_in_all() -> None:
    world = World()
    pool: WarmPool[str, Box] = WarmPool(world.start, WarmRules(each=3, most=4))
    async with pool.running():
        for plan in "abc":
            pool.take(plan)
        await settled()
        assert len(pool) == 4


async def test_what_waits_too_long_is_closed() -> None:
    world = World()
    pool: WarmPool[str, Box] = WarmPool(world.start, WarmRules(each=1, idle_s=0.02))
    async with pool.running():
        pool.take("a")
        await asyncio.sleep(0.1)
        assert len(pool) == 0
        assert world.made[0].closed


async def test_a_start_that_fails_leaves_room_for_the_next() -> None:
    world = World()
    pool: WarmPool[str, Box] = WarmPool(world.start, WarmRules(each=1, most=1))
    async with pool.running():
        world.fails = True
        pool.take("a")
        await settled()
        world.fails = False
        assert pool.take("a") is None
        await settled()
        assert len(pool) == 1


async def test_nothing_waits_unless_it_runs() -> None:
    world = World()
    pool: WarmPool[str, Box] = WarmPool(world.start, WarmRules(each=1))
    assert pool.take("a") is None
    await settled()
    assert not world.made
