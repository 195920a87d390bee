"""The command: an undisturbed run, a run under faults, the books of both, and one line of figures."""

import argparse
import json
import math
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.chaos.books import Books, check, ks_p
from bench.chaos.drill import Drill
from bench.chaos.matrix import POINTS, Matrix, run_matrix
from bench.chaos.world import World
from bench.table import table


@dataclass(frozen=True)
class Run:
    """One world from its start to quiet."""

    books: Books
    drill: Drill
    rate: float
    conservation_error: int
    processes_left: int


def main(argv: Sequence[str]) -> None:
    options = _options(argv)
    folder = Path(tempfile.mkdtemp(prefix="podium-chaos-"))
    if options.matrix:
        _print_matrix(run_matrix(folder / "matrix", POINTS))
        return
    calm = _run(folder / "calm", options, kills=0, rollouts=options.baseline or options.rollouts // 4)
    shaken = _run(folder / "shaken", options, kills=options.kills, rollouts=options.rollouts)
    _print(calm, shaken)
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)


def figures(calm: Run, shaken: Run) -> dict[str, float]:
    """What the last line says."""
    books, recoveries = shaken.books, shaken.drill.recoveries()
    return {
        "kills": len(shaken.drill.faults),
        "rollouts": books.rollouts,
        "lost": books.lost + abs(shaken.conservation_error),
        "trained_twice": books.trained_twice,
        "rewarded_failures": books.rewarded_failures,
        "orphans": books.orphans + shaken.processes_left,
        "unrecovered": len(shaken.drill.faults) - len(recoveries),
        "recovery_p95_s": round(_quantile(recoveries, 0.95), 2),
        "goodput_ratio": round(shaken.rate / calm.rate, 3),
        "ks_p": round(ks_p(books.lengths, calm.books.lengths), 4),
    }


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--rollouts", type=int, default=30_000, help="at least so many under faults")
    parser.add_argument("--baseline", type=int, help="rollouts of the undisturbed run; a quarter of them")
    parser.add_argument("--steady-kills", type=int, default=0, help="first so many, far apart, for goodput")
    parser.add_argument("--steady-interval", type=float, default=30.0, help="seconds from one to the next")
    parser.add_argument("--interval", type=float, default=5.0, help="mean seconds from fault to fault")
    parser.add_argument("--capacity", type=int, default=16, help="rollouts at once in each environment")
    parser.add_argument("--lease", type=float, default=3.0)
    parser.add_argument("--within", type=float, default=3600.0, help="most seconds of either run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--matrix", action="store_true", help="kill at every named point instead")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and histories")
    return parser.parse_args(argv)


def _run(folder: Path, options: argparse.Namespace, kills: int, rollouts: int) -> Run:
    with World(folder, options.capacity, options.lease) as world:
        drill = Drill(world, kills, options.interval, options.seed)
        rate = None
        if kills and options.steady_kills:
            rate = drill.run_steadily(options.steady_kills, options.steady_interval)
        whole_rate = drill.run(rollouts, options.within)
        drill.settle()
        error = int(world.ask("GET", "/v1/progress")["conservation_error"])
        books = check(world)
    return Run(books, drill, whole_rate if rate is None else rate, error, _processes_of(folder))


def _processes_of(folder: Path) -> int:
    """Processes that outlived a world: children of ours, or whoever was told of its folder."""
    ours = {child.pid for child in psutil.Process().children(recursive=True)}
    told = {
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in part for part in process.info["cmdline"] or ()) and process.pid != os.getpid()
    }
    return len(ours | told)


def _print(calm: Run, shaken: Run) -> None:
    rows = []
    for name, run in (("undisturbed", calm), ("under faults", shaken)):
        books = run.books
        row = [books.rollouts, books.trained_groups, books.retried, books.gave_up, f"{run.rate:.1f}"]
        rows.append([name, *row, books.lost, books.trained_twice, books.orphans])
    head = ["run", "rollouts", "trained groups", "retried", "gave up", "per s", "lost", "twice", "orphans"]
    print(table(head, rows))
    kinds = Counter((fault.victim, fault.kind) for fault in shaken.drill.faults)
    worst: dict[tuple[str, str], float] = {}
    for fault in shaken.drill.faults:
        key = (fault.victim, fault.kind)
        worst[key] = max(worst.get(key, 0.0), math.inf if fault.recovered_s is None else fault.recovered_s)
    print(
        table(
            ["victim", "fault", "times", "slowest s"], [[*k, n, f"{worst[k]:.1f}"] for k, n in kinds.items()]
        )
    )
    print(json.dumps(figures(calm, shaken)), flush=True)


def _print_matrix(result: Matrix) -> None:
    print(table(["process", "point"], [[name, point] for name, point in result.crashed]))
    books = result.books
    line = {
        "kills": len(result.crashed),
        "missed": len(result.missed),
        "rollouts": books.rollouts,
        "lost": books.lost + abs(result.conservation_error),
        "trained_twice": books.trained_twice,
        "orphans": books.orphans,
    }
    print(json.dumps(line), flush=True)


def _quantile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that at least this share is not above; 0 of none."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)] if ascending else 0.0
