"""Every process kills itself at each of its named points, one after the other, while the rest go on."""

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.chaos.books import Books, check
from bench.chaos.drill import Drill
from bench.chaos.world import TRAFFIC, World
from bench.stubs.traffic import Traffic

# Environments register when they start, so the orchestrator's registration points come first. The real
# learner's points are those of tests/learner/test_crash.py.
POINTS: Mapping[str, Sequence[str]] = {
    "orchestrator": (
        "before_registration:1",
        "after_registration:1",
        "before_commit:40",
        "after_commit:40",
        "before_append:3",
        "after_append:3",
        "before_renewal:9",
        "after_renewal:9",
        "after_pause:2",
        "after_update:2",
    ),
    "gateway": ("before_append:20", "after_append:20", "before_reply:20"),
    "engine": ("before_sampling:20", "before_reply:20", "before_update:2", "after_update:2"),
    "learner": (
        "before_checkpoint:3",
        "after_checkpoint:3",
        "after_acknowledge:3",
        "after_report:3",
        "after_weights:3",
    ),
    "steady": (
        "before_registration:1",
        "after_registration:1",
        "before_heartbeat:5",
        "after_heartbeat:5",
        "before_outcome:5",
        "after_outcome:5",
    ),
}


@dataclass(frozen=True)
class Matrix:
    """Where processes died, which points none of them came to, and the books afterwards."""

    crashed: list[tuple[str, str]]
    missed: list[tuple[str, str]]
    books: Books
    conservation_error: int


def run_matrix(
    folder: Path,
    points: Mapping[str, Sequence[str]],
    within_s: float = 600.0,
    traffic: Mapping[str, Traffic] = TRAFFIC,
) -> Matrix:
    """One world, with a real engine, through all points, then through some more work, then to quiet."""
    world = World(folder, capacity=8, lease_s=2.0, traffic=traffic, real_engine=True)
    for name, its in points.items():
        world.children[name].crash_points = list(its)
    crashed: list[tuple[str, str]] = []
    with world:
        deadline = time.monotonic() + within_s
        while any(child.crash_points for child in world.children.values()) and time.monotonic() < deadline:
            time.sleep(0.05)
            crashed += _note_deaths(world)
            world.tend()
        drill = Drill(world, kills=0, interval_s=1.0, seed=0)
        drill.run(rollouts=100, within_s=60)
        drill.settle()
        error = int(world.ask("GET", "/v1/progress")["conservation_error"])
        books = check(world)
    missed = [(name, point) for name, child in world.children.items() for point in child.crash_points]
    return Matrix(crashed, missed, books, error)


def _note_deaths(world: World) -> list[tuple[str, str]]:
    """Who killed itself where; its next start goes to its next point."""
    died = []
    for name, child in world.children.items():
        killed = child.process is not None and child.process.poll() == -signal.SIGKILL
        if killed and child.crash_points:
            died.append((name, child.crash_points.pop(0)))
    return died
