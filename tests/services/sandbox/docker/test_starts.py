"""The rate of starts and the circuit breaker."""

import asyncio

import pytest

from services.sandbox.docker.starts import StartRules, Starts
from services.sandbox.port import SandboxFailure


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def fail(starts: Starts) -> None:
    with pytest.raises(SandboxFailure, match="no room"):
        async with starts.one():
            raise SandboxFailure("no room")


async def test_the_circuit_opens_after_failures_in_a_row_and_closes_after_a_success() -> None:
    clock = Clock()
    starts = Starts(StartRules(per_s=1e6, failures=3, rest_s=10), clock)
    for _ in range(3):
        await fail(starts)
    with pytest.raises(SandboxFailure, match=r"3 sandboxes in a row did not start.* no room"):
        async with starts.one():
            pytest.fail("a start was let through")
    clock.now += 11
    await fail(starts)
    assert starts.is_open
    clock.now += 11
    async with starts.one():
        pass
    await fail(starts)
    assert not starts.is_open


async def test_a_box_of_several_containers_takes_the_time_of_all_of_them() -> None:
    starts = Starts(StartRules(at_once=1, per_s=100))
    began = asyncio.get_running_loop().time()
    for _ in range(4):
        async with starts.one(3):
            pass
    assert asyncio.get_running_loop().time() - began >= 0.089


async def test_a_success_between_failures_keeps_it_closed() -> None:
    starts = Starts(StartRules(per_s=1e6, failures=2))
    for _ in range(3):
        await fail(starts)
        async with starts.one():
            pass
    assert not starts.is_open


async def test_no_more_at_once_than_allowed_and_no_faster() -> None:
    starts, running, most = Starts(StartRules(at_once=2, per_s=100)), 0, 0

    async def start() -> None:
        nonlocal running, most
        async with starts.one():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1

    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(start() for _ in range(11)))
    assert most <= 2
    assert asyncio.get_running_loop().time() - began >= 0.099
