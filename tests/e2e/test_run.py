"""`podium run` as a user sees it: it goes on through kills, stops cleanly, resumes, leaves nothing."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.grafana.pages import PAGES
from deploy.grafana.panel import Dashboard
from tests.e2e.scraping import Prometheus

pytestmark = pytest.mark.timeout(400)

SMALL = ["--evaluation-rollouts", "16", "--groups-per-step", "4", "--group-size", "4"]


class Run:
    """A `podium run` in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".out")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.cli", "run", *arguments], stdout=log, stderr=log
            )

    def wait_for(self, text: str, timeout_s: float = 120) -> None:
        end = time.monotonic() + timeout_s
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.2)

    def finish(self, timeout_s: float = 300) -> int:
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        """Whatever it is at; nothing happens to one that has finished."""
        self.process.kill()
        self.process.wait()

    def steps(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "steps.jsonl").read_text().splitlines()]

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return report


def processes(folder: Path) -> dict[str, psutil.Process]:
    """Live processes of the run in `folder` by name."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and (name := _name_in_run(process, folder)):
                found[name] = process
        except psutil.Error:
            continue
    return found


def _name_in_run(process: psutil.Process, folder: Path) -> str | None:
    """Valkey names the folder in its arguments, our processes name a ready file in their environment."""
    if process.name() == "valkey-server":
        return "valkey" if str(folder) in " ".join(process.cmdline()) else None
    ready = [value for key, value in process.environ().items() if key.endswith("_READY_FILE")]
    return Path(ready[0]).name if ready and ready[0].startswith(str(folder)) else None


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "run"
    leave_nothing(tmp_path / "run")


def leave_nothing(folder: Path) -> None:
    """Kills what a run has left behind, and fails if that was anything."""
    left = processes(folder)
    for process in left.values():
        process.kill()
    assert not left, f"processes left behind: {sorted(left)}"


def trained_twice(run: Run) -> list[str]:
    counts = Counter(
        group["group_id"] for step in run.steps() for group in step["groups"] if group["verdict"] == "trained"
    )
    return [group_id for group_id, count in counts.items() if count > 1]


def check_report(run: Run, steps: int) -> None:
    report = run.report()
    assert report["steps"] == steps
    for which in ("before", "after"):
        assert report["evaluation"][which]["completed"] == 16
        assert 0 <= report["evaluation"][which]["mean_reward"] <= 1
    groups = report["groups"]
    assert groups["admitted"] == groups["trained"] + groups["dropped"] + groups["live"]
    assert groups["trained"] >= 1
    for name, row in report["environments"].items():
        assert row["reward_before"] is not None, name
        assert row["reward_after"] is not None, name
    assert sum(row["target_share"] for row in report["environments"].values()) == pytest.approx(1)
    assert sum(row["share"] for row in report["environments"].values()) == pytest.approx(1, abs=1e-3)
    assert sum(row["groups"] for row in report["environments"].values()) == groups["trained"]
    assert report["seconds"] == pytest.approx(sum(report["seconds_by_phase"].values()))
    assert report["tito"]["turns"] > 0
    assert report["tito"]["breaks"] == 0
    plan = json.loads((run.folder / "plan.json").read_text())
    assert report["staleness"]["max"] <= plan["max_staleness"]
    assert report["peak_memory_bytes"] < 4 * 2**30
    assert len(report["weight_versions"]) > 1
    assert (run.folder / "rewards.png").stat().st_size > 10_000
    assert trained_twice(run) == []


def check_shares(run: Run) -> None:
    """What each environment was admitted and not refunded is its share of all, to within two groups.

    So few trained groups tell less of shares than of who is quick: `bench balance` measures those.
    """
    kept = (
        "SELECT environment, count(*) FROM groups WHERE purpose = 'train' AND state != 'dropped' GROUP BY 1"
    )
    with closing(sqlite3.connect(run.folder / "store.sqlite")) as store:
        groups = dict(store.execute(kept).fetchall())
    shares = {name: row["target_share"] for name, row in run.report()["environments"].items()}
    owed = {name: share * sum(groups.values()) - groups.get(name, 0) for name, share in shares.items()}
    assert max(map(abs, owed.values())) <= 2, (groups, owed)


@dataclass
class Watched:
    """A run that was disturbed, and the Prometheus that saw it, if this machine has one."""

    run: Run
    prometheus: Prometheus | None


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A finished run of eight steps whose learner, environment and engine were killed on the way."""
    folder = tmp_path_factory.mktemp("disturbed") / "run"
    with ExitStack() as stack:
        prometheus = None
        if shutil.which("prometheus"):
            prometheus = stack.enter_context(Prometheus(folder.with_name("prometheus"), folder / "ready"))
        run = Run(folder, "--steps", "8", "--out", str(folder), *SMALL, "--environments", "terminal")
        stack.callback(leave_nothing, folder)
        stack.callback(run.kill)
        run.wait_for("training")
        if prometheus is not None:
            prometheus.look()
        for name in ("inference", "learner", "environment-terminal"):
            processes(folder)[name].kill()
            time.sleep(3)
        run.finish()
        yield Watched(run, prometheus)


def test_a_run_goes_on_when_learner_environment_and_engine_are_killed(disturbed: Watched) -> None:
    run = disturbed.run
    assert run.finish() == 0, run.log.read_text()[-3000:]
    check_report(run, steps=8)
    assert run.report()["restarts"] == {"inference": 1, "learner": 1, "environment-terminal": 1}


LEGITIMATELY_EMPTY = {
    "Errors and engine faults a minute": "no call need have been under way when the engine was killed",
    "Alerts that fire": "an alert waits longer than a part of this run is away",
}


@pytest.mark.prometheus
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.uid)
def test_every_panel_has_data_of_a_real_run(disturbed: Watched, page: Dashboard) -> None:
    assert disturbed.prometheus is not None
    empty = [
        f"{panel.title}: {legend}: {expression}"
        for panel in page.panels()
        for legend, expression in panel.queries.items()
        if not disturbed.prometheus.asked(in_prometheus(expression)) and panel.title not in LEGITIMATELY_EMPTY
    ]
    assert empty == []


def in_prometheus(expression: str) -> str:
    """What Grafana makes of a panel's expression."""
    return expression.replace("$__rate_interval", "20s").replace("$environment", ".*")


def test_an_interrupted_run_of_all_families_leaves_nothing_and_resumes(folder: Path) -> None:
    run = Run(folder, "--steps", "5", "--out", str(folder), *SMALL, "--environments", "all")
    run.wait_for("training")
    run.process.send_signal(signal.SIGINT)
    assert run.finish(60) == 130
    assert processes(folder) == {}
    resumed = Run(folder, "--resume", str(folder))
    assert resumed.finish() == 0, resumed.log.read_text()[-3000:]
    check_report(resumed, steps=5)
    check_shares(resumed)
    report = resumed.report()
    assert {*report["environments"], *report["left_out"]} == {"terminal", "search", "swe", "slides"}
