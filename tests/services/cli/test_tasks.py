"""`podium tasks validate` and `podium rollout`, as their users run them: real processes and sandboxes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app
from tests.environments.terminal.harbor import simple, two_steps
from tests.processes import marked

PODIUM = [sys.executable, "-m", "services.cli"]


def podium(*arguments: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PODIUM, *arguments], capture_output=True, text=True, timeout=timeout_s, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good task, one of several steps, and nothing else."""
    folder = tmp_path_factory.mktemp("tasks")
    simple(folder / "good")
    two_steps(folder / "steps")
    return folder


def test_tasks_that_hold(folder: Path) -> None:
    ran = podium("tasks", "validate", str(folder), "--json")
    told = json.loads(ran.stdout)
    assert ran.returncode == 0, ran.stderr
    names = ("tasks", "oracle_full", "noop_full", "controls_full", "leftovers")
    assert [told[name] for name in names] == [2, 2, 0, 0, 0]
    assert (told["wrong"], told["played"]) == ([], 2 * (2 + 16))


def test_what_is_wrong_is_named_and_ends_with_one(tmp_path: Path) -> None:
    always = "#!/bin/bash\necho 1 > /logs/verifier/reward.txt\n"
    simple(tmp_path / "gift", **{"tests/test.sh": always})
    simple(tmp_path / "hard", **{"solution/solve.sh": "#!/bin/bash\n"})
    ran = podium("tasks", "validate", str(tmp_path), "--no-controls")
    assert ran.returncode == 1
    assert "gift" in ran.stdout
    assert "full reward for doing nothing" in ran.stdout
    assert "reward 0 of 1" in ran.stdout


def test_a_target_that_is_none_is_refused() -> None:
    ran = podium("tasks", "validate", "nosuch", "--json")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "nosuch is neither a folder nor a family (terminal, swe, search, slides)" in ran.stderr


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Children take SIGINT, also of a test run that was started in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_validation_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    simple(tmp_path / "task", **{"solution/solve.sh": "#!/bin/bash\nsleep 98764\n"})
    with subprocess.Popen([*PODIUM, "tasks", "validate", str(tmp_path)], stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 60
        while not marked("98764") and time.monotonic() < end:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 1
    assert not marked("98764")


def rollout(folder: Path, *arguments: str) -> tuple[int, Any]:
    ran = podium("rollout", "--harbor", str(folder), "--json", *arguments)
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_a_rollout_without_a_model(folder: Path) -> None:
    code, told = rollout(folder / "good", "--agent", "oracle")
    assert (code, told["reward"], told["components"]) == (0, 1.0, {"reward": 1.0})
    assert told["cause"] == "completed"


def test_a_rollout_of_the_policy_goes_through_a_real_gateway(folder: Path) -> None:
    """Whether the tiny policy solves the task is not known; that it was asked is."""
    code, told = rollout(folder / "good", "--agent", "policy")
    assert (code, told["turns"] >= 1) == (0, True), told
    assert told["cause"] in ("completed", "budget")
    assert told["details"]["sampled_tokens"] > 0


def test_a_rollout_that_cannot_be_has_a_cause_and_no_reward(tmp_path: Path, folder: Path) -> None:
    refused = simple(tmp_path / "gpus", "[environment]\ngpus = 2\n")
    code, told = rollout(refused, "--agent", "oracle")
    assert (code, told["reward"], told["cause"]) == (1, None, "environment")
    assert "environment.gpus = 2 is not supported (remove it" in told["error"]
    key = tmp_path / "key"
    key.write_text("sk-nobody")
    code, told = rollout(folder / "good", "--gateway-url", "http://127.0.0.1:9", "--api-key-file", str(key),
                         "--deadline-s", "3")  # fmt: skip
    assert (code, told["reward"], told["cause"]) == (1, None, "engine")
    assert "could not be reached until time was up" in told["error"]


def test_a_key_belongs_to_an_address(tmp_path: Path) -> None:
    told = CliRunner().invoke(
        app, ["rollout", "--harbor", str(tmp_path), "--gateway-url", "http://127.0.0.1:9"]
    )
    assert (told.exit_code, "belong together" in told.output) == (2, True)
