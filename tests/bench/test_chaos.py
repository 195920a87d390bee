"""Real processes die at random, at their named points and with their Redis: nothing is lost or done twice."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.chaos.books import Books, Record, check, ks_p
from bench.chaos.drill import Drill
from bench.chaos.matrix import run_matrix
from bench.chaos.world import World
from bench.stubs.traffic import Traffic
from tests.proxy import Fault, ProxyThread

_TRAFFIC = {"steady": Traffic(turns=2, turns_sigma=0.5, think_s=0.03, work_s=0.02, longest_s=0.5)}
_FAULT_S = 0.7


class Scene:
    """A world whose processes reach Redis through a proxy."""

    def __init__(self, folder: Path) -> None:
        self._proxies: list[ProxyThread] = []
        self.world = World(
            folder, capacity=8, lease_s=2.0, traffic=_TRAFFIC, redis_behind=lambda port: self._proxied(port)
        )

    def _proxied(self, port: int) -> int:
        self._proxies.append(ProxyThread(port))
        return self.proxy.port

    @property
    def proxy(self) -> ProxyThread:
        return self._proxies[0]


@pytest.fixture(scope="module")
def one_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("chaos") / "world")
    with scene.world:
        yield scene
    scene.proxy.close()


@pytest.fixture
def scene(one_scene: Scene) -> Scene:
    """One world for all tests: each opens it, and leaves it settled."""
    one_scene.world.ask("PUT", "/v1/admission", {"state": "open"}, within_s=300)
    return one_scene


def work(world: World, rollouts: int, within_s: float = 120.0) -> None:
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


def flush(scene: Scene) -> None:
    with scene.world.redis() as redis:
        redis.flushall()


def exhaust(scene: Scene) -> None:
    """Out of memory, and no key may be evicted: every write is refused for a while."""
    with scene.world.redis() as redis:
        redis.config_set("maxmemory", "1")
        time.sleep(2 * _FAULT_S)
        redis.config_set("maxmemory", "0")


def leave(scene: Scene) -> None:
    """Away for longer than a lease."""
    scene.world.children["redis"].end()
    time.sleep(float(os.environ.get("PODIUM_TEST_AWAY_S", scene.world.lease_s + _FAULT_S)))
    scene.world.tend()


def disturb(scene: Scene) -> None:
    """The network between Redis and everybody else, in every way."""
    faults: tuple[Fault, ...] = ("delay", "refuse", "reset", "half_open", "short", "slow")
    for fault in faults:
        hit = scene.proxy.hit
        scene.proxy.break_down(fault)
        time.sleep(_FAULT_S)
        assert scene.proxy.hit > hit
        scene.proxy.heal()
        work(scene.world, 2)


@pytest.mark.parametrize("fault", [flush, exhaust, leave, disturb])
def test_redis_makes_it_slower_and_loses_nothing(scene: Scene, fault: Callable[[Scene], None]) -> None:
    work(scene.world, 8)
    fault(scene)
    work(scene.world, 8)
    assert sound(settled(scene.world))


def test_a_short_soak(scene: Scene) -> None:
    """The whole one is `python -m bench chaos`."""
    drill = Drill(scene.world, kills=5, interval_s=1.0, seed=3)
    drill.run(rollouts=Record(scene.world.store_file).admitted() + 60, within_s=300)
    assert sound(settled(scene.world))
    assert len(drill.faults) == len(drill.recoveries()) == 5


@pytest.mark.timeout(900)
def test_points_of_the_matrix(tmp_path: Path) -> None:
    """A point of each process, with a real engine; all of them are `python -m bench chaos --matrix`."""
    points = {
        "orchestrator": ["after_commit:20", "after_pause:1"],
        "gateway": ["after_append:5"],
        "engine": ["before_reply:5"],
        "learner": ["after_checkpoint:1"],
        "steady": ["after_outcome:3"],
    }
    matrix = run_matrix(tmp_path / "world", points, traffic=_TRAFFIC)
    assert not matrix.missed
    assert len(matrix.crashed) == 6
    assert sound(matrix.books)
    assert matrix.conservation_error == 0


def test_the_test_of_distributions() -> None:
    same, shifted = [float(i % 97) for i in range(2000)], [float(i % 97) + 20 for i in range(2000)]
    assert ks_p(same, same[::-1]) == 1.0
    assert ks_p(same, [float(i * 7 % 97) for i in range(1500)]) > 0.5
    assert ks_p(same, shifted) < 1e-6
