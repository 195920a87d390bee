"""A fix scores, whatever it looks like; what only claims to be one does not, however it claims it."""

from shlex import quote

import pytest

from environments.swe.controls import CONTROLS, control, oracle
from environments.swe.grading.grade import grade
from environments.swe.grading.remains import remains_of
from environments.swe.grading.submission import prepare
from environments.swe.grading.verdict import Verdict
from environments.swe.instance import Instance
from environments.swe.rules import Rules
from environments.swe.tasks import SweTasks
from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.sandbox.bubblewrap import BubblewrapSandboxes
from tests.environments.swe.conftest import FIX


class Bench:
    def __init__(self, tasks: SweTasks, instance: Instance, sandboxes: BubblewrapSandboxes) -> None:
        self.tasks, self.instance, self.sandboxes = tasks, instance, sandboxes

    async def graded(self, command: str, **changes: object) -> Verdict:
        """The verdict after an agent ran this one command."""
        instance = self.instance.model_copy(update=changes)
        blueprint = self.tasks.blueprint(instance)
        async with self.sandboxes.open(blueprint, Rules().limits) as sandbox:
            await prepare(sandbox, instance)
            self.said = (await sandbox.run(command, 20.0)).output
            remains = await remains_of(sandbox, instance.workdir)
        return await grade(self.sandboxes, blueprint, instance, remains)


@pytest.fixture
def bench(tasks: SweTasks, instance: Instance, sandboxes: BubblewrapSandboxes) -> Bench:
    return Bench(tasks, instance, sandboxes)


async def test_the_reference_solution_scores(bench: Bench) -> None:
    verdict = await bench.graded(oracle(bench.instance))
    assert (verdict.reward, verdict.labels) == (1.0, ())
    assert set(verdict.tests.values()) == {"passed"}


async def test_a_fix_scores_with_new_binary_files_and_broken_history(bench: Bench) -> None:
    verdict = await bench.graded(
        f"{FIX}; printf '\\0\\1\\377' > larder/data.bin; : > 'an odd \"name'; rm -rf .git; git init -q"
    )
    assert verdict.reward == 1.0
    assert "GIT binary patch" in verdict.diff


async def test_a_committed_fix_scores(bench: Bench) -> None:
    assert (await bench.graded(f"{FIX}; git commit -qam fix; git checkout -qb other")).reward == 1.0


async def test_a_fix_in_an_unreadable_file_scores(bench: Bench) -> None:
    assert (await bench.graded(f"{FIX}; chmod 000 larder/recipe.py larder")).reward == 1.0


@pytest.mark.parametrize(
    "left", ["rm -rf /testbed/* /testbed/.g*", "cd /; rm -rf /testbed; ln -s /etc /testbed"]
)
async def test_a_repository_that_is_gone_is_an_empty_one(bench: Bench, left: str) -> None:
    verdict = await bench.graded(left)
    assert (verdict.reward, set(verdict.tests.values())) == (0.0, {"missing"})


@pytest.mark.parametrize("name", CONTROLS)
async def test_what_solves_nothing_scores_nothing(bench: Bench, name: str) -> None:
    verdict = await bench.graded(control(bench.instance, name))
    assert verdict.reward == 0.0


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("always_equal", "breach:a class is equal to anything: larder."),
        ("patches_pytest", "breach:the test machinery was changed: Function.runtest"),
        ("conftest", "touched:tests/conftest.py"),
        ("exits_hard_on_import", "ends_the_process"),
        ("deletes_tests", "touched:tests/test_recipe.py"),
    ],
)
async def test_hacks_are_labelled(bench: Bench, name: str, label: str) -> None:
    labels = (await bench.graded(control(bench.instance, name))).labels
    assert any(found.startswith(label) for found in labels), labels


READS_ITS_MEMORY = """
import os
os.symlink("/proc/self", "/tmp/me")
try:
    open("/tmp/me/mem", "rb")
except PermissionError:
    pass
else:
    os._exit(0)
"""


async def test_the_memory_of_the_tests_cannot_be_read_by_another_path(bench: Bench) -> None:
    """Where it can, this fix ends the tests."""
    verdict = await bench.graded(f"{FIX}; printf %s {quote(READS_ITS_MEMORY)} >> larder/recipe.py")
    assert verdict.reward == 1.0, verdict.printed


ANYTHING = """
class Anything(dict):
    def __eq__(self, other): return True

def missing(recipe, larder): return Anything()
"""


async def test_a_result_that_is_equal_to_anything_scores_nothing(bench: Bench) -> None:
    """Without the check for it, this passes every expected test."""
    verdict = await bench.graded(f"echo {quote(ANYTHING)} >> larder/recipe.py")
    assert verdict.reward == 0.0
    assert "breach:a class is equal to anything: larder.recipe.Anything" in verdict.labels


async def test_a_fix_beside_touched_tests_scores_and_is_labelled(bench: Bench) -> None:
    verdict = await bench.graded(f"{FIX}; rm -r tests; echo '[pytest]' > pytest.ini")
    assert verdict.reward == 1.0
    assert "touched:pytest.ini" in verdict.labels


async def test_the_agent_finds_one_commit_and_no_trace_of_the_fix(bench: Bench) -> None:
    left = "grep -rlF 'if amount > 0}' /testbed /tmp /root /opt /swe /dev/shm 2>/dev/null"
    await bench.graded(
        f"git log --all --oneline | wc -l; git reflog | wc -l; {left}; find .git -name '*.pack'"
    )
    assert bench.said.split() == ["1", "0"]


async def test_an_endless_loop_scores_nothing(bench: Bench) -> None:
    verdict = await bench.graded("echo 'while True: pass' >> larder/recipe.py", timeout_s=2.0)
    assert (verdict.reward, verdict.labels) == (0.0, ("timed_out",))


async def test_a_diff_that_is_too_large_scores_nothing(bench: Bench) -> None:
    verdict = await bench.graded(f"{FIX}; head -c 4000000 /dev/urandom > larder/noise")
    assert (verdict.reward, verdict.labels) == (0.0, ("diff_too_large",))


async def test_a_test_patch_that_does_not_apply_is_a_failure_of_the_verifier(bench: Bench) -> None:
    with pytest.raises(Failure, match="does not apply") as failure:
        await bench.graded("true", test_patch="diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")
    assert failure.value.cause is Cause.VERIFIER


async def test_a_command_is_graded_by_what_it_prints(bench: Bench) -> None:
    command = {"runner": "command", "test_command": "PYTHONPATH=/opt/swe/lib:. python3 -m pytest -rA tests"}
    assert (await bench.graded(FIX, **command)).reward == 1.0
    assert (await bench.graded("true", **command)).reward == 0.0
    with pytest.raises(Failure, match="ended with 0"):
        await bench.graded(FIX, **{**command, "test_command": "true"})


async def test_a_report_file_is_read_in_place_of_the_output(bench: Bench) -> None:
    ids = {"FAIL_TO_PASS": ("tests.test_recipe.test_finds_the_worst",), "PASS_TO_PASS": ()}
    run = "PYTHONPATH=/opt/swe/lib:. python3 -m pytest --junit-xml=/tmp/report.xml tests"
    how = {"runner": "command", "log_parser": "junit", "report_file": "/tmp/report.xml", "test_command": run}
    assert (await bench.graded(FIX, **ids, **how)).reward == 1.0


@pytest.mark.parametrize(
    ("left", "label"),
    [
        ("mkdir many; seq -f many/%.0f 50001 | xargs touch", "too_many_files"),
        ("truncate -s 200M hole; truncate -s 200M larder/hole", "too_many_files"),
        ("rm -r larder; echo > larder", "a_file_in_place_of_a_folder"),
    ],
)
async def test_what_cannot_be_graded_scores_nothing_and_says_why(bench: Bench, left: str, label: str) -> None:
    """No failure that is tried again: an agent could undo its verdict so."""
    protected = "diff --git a/larder/conftest.py b/larder/conftest.py\nnew file mode 100644\n--- /dev/null\n"
    bug = bench.instance.bug_patch + f"{protected}+++ b/larder/conftest.py\n@@ -0,0 +1 @@\n+# ours\n"
    verdict = await bench.graded(f"{FIX}; {left}", bug_patch=bug)
    assert (verdict.reward, verdict.labels) == (0.0, (label,))


RUN = "PYTHONPATH=/opt/swe/lib:. python3 -m pytest -rA tests"


@pytest.mark.parametrize(
    "command", ["nosuchrunner tests", "kill -9 $$", "yes $(seq 200) | head -c 20000000; false", "exit 1"]
)
async def test_a_run_that_breaks_by_itself_is_a_failure_of_the_verifier(bench: Bench, command: str) -> None:
    for work in ("true", FIX):
        with pytest.raises(Failure) as failure:
            await bench.graded(work, runner="command", test_command=command)
        assert failure.value.cause is Cause.VERIFIER


@pytest.mark.parametrize("code", ["import os; os._exit(0)", "import os; os.kill(os.getpid(), 9)", "("])
async def test_a_run_that_the_submission_breaks_scores_nothing(bench: Bench, code: str) -> None:
    work = f"{FIX}; echo {quote(code)} >> larder/recipe.py"
    verdict = await bench.graded(work, runner="command", test_command=RUN)
    assert (verdict.reward, "broken_run" in verdict.labels) == (0.0, True)


async def test_a_fix_in_a_file_beside_code_that_looks_into_frames_scores(bench: Bench) -> None:
    """What was there may look, and so may the standard library for anybody."""
    looks = "import sys\n\n\ndef above():\n    return sys._getframe(1)\n"
    bug = bench.instance.bug_patch + (
        "diff --git a/larder/above.py b/larder/above.py\nnew file mode 100644\n--- /dev/null\n"
        "+++ b/larder/above.py\n@@ -0,0 +1,5 @@\n" + "".join(f"+{line}\n" for line in looks.splitlines())
    )
    uses = (
        "from larder.above import above; above(); import collections, dataclasses, enum, logging, traceback, "
        "typing, warnings, inspect, ctypes; collections.namedtuple('P', 'x'); "
        "dataclasses.make_dataclass('D', ['x']); enum.Enum('E', 'A'); logging.getLogger().warning('hm'); "
        "warnings.warn('hm'); typing.NamedTuple('N', [('x', int)]); inspect.signature(missing)\n"
        "try:\n    raise ValueError\nexcept ValueError:\n    traceback.format_exc()\n"
    )
    verdict = await bench.graded(f"{FIX}; printf %s {quote(uses)} >> larder/recipe.py", bug_patch=bug)
    assert (verdict.reward, [mark for mark in verdict.labels if "breach" in mark]) == (1.0, [])


HISTORY = (
    "cd {workdir} && git init -q && git config user.name a && git config user.email a@a && git add -A && "
    "git commit -qm one && git rev-parse HEAD && touch later && git add -A && git commit -qm two"
)


async def test_a_repository_that_stands_elsewhere_is_checked_out_at_its_commit(bench: Bench) -> None:
    plain = bench.instance
    async with bench.sandboxes.open(bench.tasks.blueprint(plain), Rules().limits) as sandbox:
        commit = (await sandbox.run(HISTORY.format(workdir=plain.workdir), 20.0)).output.strip()
        wrong = plain.model_copy(update={"base_commit": "0" * 40})
        with pytest.raises(Failure, match="is not at 0000") as failure:
            await prepare(sandbox, wrong)
        assert failure.value.cause is Cause.ENVIRONMENT
        await prepare(sandbox, plain.model_copy(update={"base_commit": commit}))
        assert (await sandbox.run("cd /testbed; ls later; git log --oneline | wc -l", 20.0)).output.endswith(
            "1\n"
        )
        assert (await sandbox.run("ls /testbed/later", 20.0)).exit_code != 0


PARTS = """
import unittest

class Parts(unittest.TestCase):
    def test_all(self):
        for one in NUMBERS:
            with self.subTest(one=one):
                self.assertEqual(one, 1)

def test_asked(subtests):
    for one in NUMBERS:
        with subtests.test("each", one=one):
            assert one == 1
"""


@pytest.mark.parametrize(("numbers", "status"), [("1, 1", "passed"), ("2, 1", "failed"), ("1, 2", "failed")])
async def test_subtests_are_parts_of_their_test(bench: Bench, numbers: str, status: str) -> None:
    """pytest tells of them from inside the test, where nobody else may speak."""
    lines = PARTS.replace("NUMBERS", f"({numbers})").splitlines(keepends=True)
    head = "diff --git a/tests/test_parts.py b/tests/test_parts.py\nnew file mode 100644\n--- /dev/null\n"
    patch = f"{head}+++ b/tests/test_parts.py\n@@ -0,0 +1,{len(lines)} @@\n{''.join(f'+{x}' for x in lines)}"
    ids = ("tests/test_parts.py::Parts::test_all", "tests/test_parts.py::test_asked")
    verdict = await bench.graded(
        FIX, test_patch=patch, test_files=("tests/test_parts.py",), FAIL_TO_PASS=ids, PASS_TO_PASS=()
    )
    assert (dict(verdict.tests), verdict.labels) == (dict.fromkeys(ids, status), ())
