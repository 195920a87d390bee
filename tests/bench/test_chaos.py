"""Real processes die at random, at their named points and with their Redis: nothing is lost or done twice."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.chaos.books import Books, Record, check, ks_p
from bench.chaos.drill import Drill
from bench.chaos.matrix import run_matrix
from bench.chaos.world import World
from bench.stubs.traffic import Traffic

_TRAFFIC = {"steady": Traffic(turns=2, turns_sigma=0.5, think_s=0.05, work_s=0.03)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "world", capacity=8, lease_s=2.0, traffic=_TRAFFIC) as world:
        yield world


def work(world: World, rollouts: int, within_s: float = 60.0) -> None:
    """Let that many more rollouts end."""
    record = Record(world.store_file)
    enough, deadline = record.sealed() + rollouts, time.monotonic() + within_s
    while record.sealed() < enough:
        assert time.monotonic() < deadline, "no work gets done"
        world.tend()
        time.sleep(0.05)


def settled(world: World) -> Books:
    """The books once all that was admitted has ended; the ledger adds up."""
    Drill(world, kills=0, interval_s=1.0, seed=0).settle()
    assert world.ask("GET", "/v1/progress")["conservation_error"] == 0
    return check(world)


def sound(books: Books) -> bool:
    found = (books.lost, books.trained_twice, books.rewarded_failures, books.orphans)
    assert found == (0, 0, 0, 0), books
    return True


def test_a_short_soak(world: World) -> None:
    """The whole one is `python -m bench chaos`."""
    drill = Drill(world, kills=5, interval_s=1.0, seed=3)
    drill.run(rollouts=100, within_s=120)
    books = settled(world)
    assert sound(books)
    assert len(drill.faults) == len(drill.recoveries()) == 5


def test_points_of_the_matrix(tmp_path: Path) -> None:
    """One point of each process; all of them are `python -m bench chaos --matrix`."""
    points = {
        "orchestrator": ["after_commit:40", "before_renewal:9"],
        "learner": ["after_checkpoint:2"],
        "steady": ["after_outcome:5"],
    }
    matrix = run_matrix(tmp_path / "world", points)
    assert not matrix.missed
    assert len(matrix.crashed) == 4
    assert sound(matrix.books)
    assert matrix.conservation_error == 0


def flush(world: World) -> None:
    with world.redis() as redis:
        redis.flushall()


def exhaust(world: World) -> None:
    """Out of memory, and no key may be evicted: every write is refused for a while."""
    with world.redis() as redis:
        redis.config_set("maxmemory", "1")
        time.sleep(3)
        redis.config_set("maxmemory", "0")


def leave(world: World) -> None:
    """Away for longer than a lease."""
    world.children["redis"].end()
    time.sleep(4)
    world.tend()


@pytest.mark.parametrize("fault", [flush, exhaust, leave])
def test_redis_makes_it_slower_and_loses_nothing(world: World, fault: Callable[[World], None]) -> None:
    work(world, 30)
    fault(world)
    work(world, 30)
    assert sound(settled(world))


def test_the_test_of_distributions() -> None:
    same, shifted = [float(i % 97) for i in range(2000)], [float(i % 97) + 20 for i in range(2000)]
    assert ks_p(same, same[::-1]) == 1.0
    assert ks_p(same, [float(i * 7 % 97) for i in range(1500)]) > 0.5
    assert ks_p(same, shifted) < 1e-6
