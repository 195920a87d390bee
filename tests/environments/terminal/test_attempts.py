"""Whole attempts at Harbor directories by agents that need no model: oracle, no-op, set commands."""

import io
import tarfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from environments.artifacts import Artifacts
from environments.ending import Ending
from environments.family import Scored
from environments.metrics import EnvironmentMetrics
from environments.terminal.agents import Agent, Assignment, Noop, Oracle, Scripted
from environments.terminal.attempts import Attempts
from environments.terminal.controls import CONTROLS
from environments.terminal.rules import Rules
from environments.terminal.tasks import TerminalTask
from environments.terminal.validation import played
from services.contracts.cause import Cause
from services.kit.failure import Failure, Refused
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import Blueprint, BoxOverrun, Limits, Sandbox, Sandboxes, SandboxFailure
from tests.environments.standins import ANSWER_TEST
from tests.environments.terminal.harbor import own_verifier, simple, two_steps, write

WRONG = Scripted("echo wrong > one.txt")


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    artifacts = Artifacts(tmp_path / "artifacts", "http://environment")
    return Attempts(BubblewrapSandboxes(), Rules(grading_reserve_s=1.0), EnvironmentMetrics(), artifacts)


async def play(attempts: Attempts, folder: Path, agent: Agent) -> Scored:
    return await played(attempts, TerminalTask.read(folder, attempts.sandboxes), agent)


async def test_oracle_and_noop_of_an_older_task(attempts: Attempts, tmp_path: Path) -> None:
    config = 'version = "1.0"\n[environment]\nmemory = "0.5G"\nstorage = "1G"\nallow_internet = false\n'
    folder = simple(tmp_path / "task", config)
    oracle, noop = await play(attempts, folder, Oracle()), await play(attempts, folder, Noop())
    assert (oracle.cause, oracle.reward, oracle.components) == (Cause.COMPLETED, 1.0, {"reward": 1.0})
    assert (noop.cause, noop.reward) == (Cause.COMPLETED, 0.0)


async def test_a_solution_has_its_variables_its_files_and_harbors_folders(
    attempts: Attempts, tmp_path: Path
) -> None:
    solve = (
        '#!/bin/bash\nls -d /logs/agent /logs/artifacts /logs/verifier && . /solution/word.sh && echo "$A"'
    )
    more = {"solution/solve.sh": f"{solve} > answer.txt\n", "solution/word.sh": '[ "$PWD" = /app ]\n'}
    folder = simple(tmp_path / "task", '[solution]\nenv = { A = "${NO_SUCH:-right}" }\n', **more)
    assert (await play(attempts, folder, Oracle())).reward == 1.0


async def test_a_task_without_a_solution_has_no_oracle(attempts: Attempts, tmp_path: Path) -> None:
    folder = simple(tmp_path / "task")
    (folder / "solution/solve.sh").unlink()
    with pytest.raises(Refused, match=r"solution/solve\.sh is missing: there is no oracle"):
        await play(attempts, folder, Oracle())


async def test_an_agent_out_of_time_is_scored_as_it_stands(attempts: Attempts, tmp_path: Path) -> None:
    folder = simple(tmp_path / "task", "[agent]\ntimeout_sec = 0.3\n")
    scored = await play(attempts, folder, Scripted("echo right > answer.txt; sleep 60"))
    assert (scored.cause, scored.reward, scored.details["ended"]) == (Cause.BUDGET, 1.0, "time")


async def test_an_agent_that_overruns_its_box_gets_no_other_attempt(
    attempts: Attempts, tmp_path: Path
) -> None:
    scored = await play(attempts, simple(tmp_path / "task"), Overruns())
    assert (scored.cause, scored.reward, scored.labels) == (Cause.BUDGET, 0.0, ("box_overrun",))
    assert (scored.details["ended"], scored.details["said"]) == ("space", "its disk is full")


class Overruns:
    """As an agent whose commands fill its box."""

    async def solve(self, assignment: Assignment) -> Ending:
        raise BoxOverrun("its disk is full")


async def test_time_is_kept_for_what_the_verifier_may_take(attempts: Attempts, tmp_path: Path) -> None:
    """By the task's own words, unless the environment is told a number."""
    tests = "#!/bin/bash\nsleep 1; echo 0.5 > /logs/verifier/reward.txt\n"
    folder = simple(tmp_path / "task", "[verifier]\ntimeout_sec = 300\n", **{"tests/test.sh": tests})
    task = TerminalTask.read(folder, attempts.sandboxes)
    waits = Scripted("sleep 60")
    by_the_task = replace(attempts, rules=Rules())
    scored = await played(by_the_task, task, waits, seconds=3.0)
    assert (scored.cause, scored.reward, scored.details["ended"]) == (Cause.BUDGET, 0.5, "time")
    until: list[float] = []
    await played(attempts, task, Until(until), seconds=100.0)
    assert until == [pytest.approx(99.0, abs=0.5)]


@dataclass
class Until:
    """Notes how long it may work."""

    noted: list[float]

    async def solve(self, assignment: Assignment) -> Ending:
        self.noted.append(assignment.until - time.monotonic())
        return Ending(Cause.COMPLETED)


async def test_sandboxes_say_whose_they_are(attempts: Attempts, tmp_path: Path) -> None:
    noted = Noted(attempts.sandboxes)
    task = TerminalTask.read(simple(tmp_path / "task"), attempts.sandboxes)
    await played(replace(attempts, sandboxes=noted, environment="shells"), task, Noop())
    agents, verifiers = noted.blueprints
    assert agents.labels == verifiers.labels
    assert {**agents.labels, "rollout": ""} == {"environment": "shells", "rollout": "", "attempt": "1"}
    assert agents.labels["rollout"]


class Noted(BubblewrapSandboxes):
    """Notes what is opened."""

    def __init__(self, inner: Sandboxes) -> None:
        self.inner = inner
        self.blueprints: list[Blueprint] = []

    @asynccontextmanager
    async def accompanied(self, blueprint: Blueprint, limits: Limits) -> AsyncIterator[Blueprint]:
        async with self.inner.accompanied(blueprint, limits) as accompanied:
            yield accompanied

    @asynccontextmanager
    async def open(
        self, blueprint: Blueprint, limits: Limits, tree: bytes | None = None
    ) -> AsyncIterator[Sandbox]:
        self.blueprints.append(blueprint)
        async with self.inner.open(blueprint, limits, tree) as sandbox:
            yield sandbox


@pytest.mark.parametrize(
    ("control", "labels"),
    [
        ("exits", ()),
        ("plants_a_reward", ("planted_reward",)),
        ("links_the_logs", ("planted_reward",)),
        ("plants_tests", ("planted_tests",)),
        ("trojans_on_the_path", ("planted_program",)),
        ("stays_behind", ("planted_reward", "left_processes")),
    ],
)
async def test_suspected_hacks_are_labels(
    attempts: Attempts, tmp_path: Path, control: str, labels: tuple[str, ...]
) -> None:
    scored = await play(attempts, simple(tmp_path / "task"), Scripted(CONTROLS[control]))
    assert scored.labels == labels
    assert scored.reward == 0.0


async def test_honest_work_has_no_label(attempts: Attempts, tmp_path: Path) -> None:
    assert (await play(attempts, two_steps(tmp_path / "task"), Oracle())).labels == ()


class TestSteps:
    async def test_all_solved(self, attempts: Attempts, tmp_path: Path) -> None:
        scored = await play(attempts, two_steps(tmp_path / "task"), Oracle())
        assert (scored.cause, scored.reward) == (Cause.COMPLETED, 1.0)
        assert [step["step"] for step in scored.details["steps"]] == ["one", "two"]
        assert scored.details["steps"][1]["said"] == "one\ngiven\n"

    async def test_below_the_least_reward_the_rest_is_not_asked_for(
        self, attempts: Attempts, tmp_path: Path
    ) -> None:
        """The mean is over the steps that were graded, as in Harbor."""
        scored = await play(attempts, two_steps(tmp_path / "task"), WRONG)
        assert (scored.reward, len(scored.details["steps"])) == (0.25, 1)

    @pytest.mark.parametrize(("strategy", "reward"), [("mean", 0.625), ("final", 0.25)])
    async def test_strategies(self, attempts: Attempts, tmp_path: Path, strategy: str, reward: float) -> None:
        folder = two_steps(tmp_path / "task", strategy=strategy, least="{ reward = 0.2 }")
        scored = await play(attempts, folder, Scripted("echo one > one.txt"))
        assert (scored.reward, len(scored.details["steps"])) == (reward, 2)

    async def test_a_component_that_is_missing_is_below_every_threshold(
        self, attempts: Attempts, tmp_path: Path
    ) -> None:
        folder = two_steps(tmp_path / "task", least="{ style = -5 }")
        assert len((await play(attempts, folder, Oracle())).details["steps"]) == 1

    async def test_processes_live_on_between_steps_and_tests_do_not_show(
        self, attempts: Attempts, tmp_path: Path
    ) -> None:
        waits = "if [ -e one.txt ]; then cat alive; ls /tests; else (while :; do date > alive; sleep 0.05;"
        again = "for turn in {1..50}; do sleep 0.1; test -s alive && echo yes && break; done"
        command = f"{waits} done) & echo one > one.txt; fi; rm -f alive; {again}"
        scored = await play(attempts, two_steps(tmp_path / "task"), Scripted(command))
        said = scored.details["steps"][1]["said"]
        assert said.endswith("yes\n")
        assert "cannot access '/tests'" in said

    async def test_a_setup_that_fails_is_no_reward(self, attempts: Attempts, tmp_path: Path) -> None:
        folder = two_steps(tmp_path / "task")
        (folder / "steps/two/workdir/setup.sh").write_text("echo no luck; exit 3\n")
        with pytest.raises(Failure, match=r"setup\.sh of step two ended with 3: no luck") as failed:
            await play(attempts, folder, Oracle())
        assert failed.value.cause is Cause.ENVIRONMENT

    async def test_a_verifier_that_fails_in_one_step_is_no_reward(
        self, attempts: Attempts, tmp_path: Path
    ) -> None:
        folder = write(two_steps(tmp_path / "task"), {"tests/test.sh": "#!/bin/bash\n"})
        with pytest.raises(Failure, match=r"neither reward\.json nor reward\.txt") as failed:
            await play(attempts, folder, Oracle())
        assert failed.value.cause is Cause.VERIFIER


@pytest.mark.parametrize("brings_tests", [True, False])
async def test_a_verifier_of_its_own_sees_the_collected_files_alone(
    attempts: Attempts, tmp_path: Path, brings_tests: bool
) -> None:
    folder = own_verifier(tmp_path / "task", brings_tests=brings_tests)
    oracle = await play(attempts, folder, Oracle())
    assert oracle.reward == 1.0, oracle.details
    assert (await play(attempts, folder, Noop())).reward == 0.0
    (kept,) = oracle.artifacts
    (archive,) = (tmp_path / "artifacts").rglob(kept.name)
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
        assert tar.getnames() == ["./results/answer.txt"]


async def test_a_verifier_of_its_own_has_nothing_that_the_agent_deleted(
    attempts: Attempts, tmp_path: Path
) -> None:
    """A folder that is collected takes the place of the image's."""
    tests = 'cd /app; [ "$(echo **)" = "empty kept.txt new.txt" ] && echo 1 > /logs/verifier/reward.txt'
    more = {
        "environment/Dockerfile": "FROM debian\nWORKDIR /app\nCOPY files/ /app/\n",
        "environment/files/kept.txt": "kept\n",
        "environment/files/gone.txt": "gone\n",
        "tests/test.sh": f"#!/bin/bash\n{tests}\n",
    }
    config = 'artifacts = ["/app"]\n[verifier]\nenvironment_mode = "separate"\n'
    folder = simple(tmp_path / "task", config, **more)
    change = Scripted("rm gone.txt; echo new > new.txt; mkdir empty; chmod 000 new.txt")
    assert (await play(attempts, folder, change)).reward == 1.0


class TestHealth:
    async def test_a_check_that_comes_to_pass(self, attempts: Attempts, tmp_path: Path) -> None:
        check = '[environment.healthcheck]\ncommand = "echo x >> n; test $(wc -l < n) -gt 2"\n'
        config = f"{check}interval_sec = 0.01\nretries = 3\n"
        assert (await play(attempts, simple(tmp_path / "task", config), Oracle())).reward == 1.0

    async def test_a_check_that_fails_is_the_sandboxs_failure(
        self, attempts: Attempts, tmp_path: Path
    ) -> None:
        config = '[environment.healthcheck]\ncommand = "false"\ninterval_sec = 0\nretries = 2\n'
        with pytest.raises(SandboxFailure, match="the healthcheck failed 2 times: false"):
            await play(attempts, simple(tmp_path / "task", config), Oracle())


async def test_what_the_agent_put_into_its_home_is_there_for_the_tests(
    attempts: Attempts, tmp_path: Path
) -> None:
    test = ANSWER_TEST.replace("/app/answer.txt", "$HOME/answer.txt")
    folder = simple(tmp_path / "task", **{"tests/test.sh": f"#!/bin/bash\n{test}"})
    assert (await play(attempts, folder, Scripted("echo right > ~/answer.txt"))).reward == 1.0
