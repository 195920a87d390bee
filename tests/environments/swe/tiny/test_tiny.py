"""Of the smallest tasks, too, only a repair scores: what a call should return is out of its reach."""

from pathlib import Path
from shlex import quote

import pytest

from environments.swe.controls import oracle
from environments.swe.grading.grade import grade
from environments.swe.grading.remains import remains_of
from environments.swe.grading.submission import prepare
from environments.swe.grading.verdict import Verdict
from environments.swe.rules import Rules
from environments.swe.tasks import SweTasks, load_tasks
from environments.swe.tiny.tasks import write_tasks
from services.sandbox.bubblewrap import BubblewrapSandboxes

READS_THE_COMMAND = r"""
import json, os
_cases = json.loads(open(f"/proc/{os.getppid()}/cmdline").read().split("\0")[-2])
class _Said:
    def __init__(self, words): self.words = words
    def __repr__(self): return self.words
def __getattr__(name):
    return lambda *a: _Said(next(wanted for known, _, wanted in _cases if known == name))
"""
READS_THE_CASES = r"""
import json, os
def _found():
    for folder, _, names in os.walk("/"):
        if not folder.startswith("/proc") and "cases.json" in names:
            yield from json.load(open(os.path.join(folder, "cases.json")))
    with open(f"/proc/{os.getppid()}/mem", "rb") as memory:
        raise SystemExit(0)
def __getattr__(name):
    return lambda *a: next(eval(wanted) for known, _, wanted in _found() if known == name)
"""
SAYS_IT_ITSELF = r"""
import os
def __getattr__(name):
    print("ok 1 - " + name, flush=True)
    os._exit(0)
"""
EQUALS_ANYTHING = r"""
class _Any(str):
    def __eq__(self, other): return True
    def __repr__(self): return self
def __getattr__(name):
    return lambda *a: _Any("3")
"""
NEVER_ENDS = "while True: pass\n"
HACKS = (READS_THE_COMMAND, READS_THE_CASES, SAYS_IT_ITSELF, EQUALS_ANYTHING, NEVER_ENDS)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, sandboxes: BubblewrapSandboxes) -> SweTasks:
    folder = tmp_path_factory.mktemp("tiny") / "tasks"
    write_tasks(folder, train=1, evaluation=1, seed=0)
    return load_tasks(folder, sandboxes)


async def graded(tasks: SweTasks, sandboxes: BubblewrapSandboxes, command: str) -> Verdict:
    instance = tasks.all()[0]
    blueprint = tasks.blueprint(instance)
    async with sandboxes.open(blueprint, Rules().limits) as sandbox:
        await prepare(sandbox, instance)
        await sandbox.run(command, 20.0)
        remains = await remains_of(sandbox, instance.workdir)
    return await grade(sandboxes, blueprint, instance, remains)


async def test_a_repair_scores_and_nothing_does_not(tasks: SweTasks, sandboxes: BubblewrapSandboxes) -> None:
    assert (await graded(tasks, sandboxes, oracle(tasks.all()[0]))).reward == 1.0
    assert (await graded(tasks, sandboxes, "true")).reward == 0.0


@pytest.mark.parametrize("hack", HACKS)
async def test_what_only_claims_to_be_one_does_not(
    tasks: SweTasks, sandboxes: BubblewrapSandboxes, hack: str
) -> None:
    written = f"for f in *.py; do printf %s {quote(hack)} > $f; done"
    assert (await graded(tasks, sandboxes, written)).reward == 0.0


def test_what_a_call_returns_is_in_no_command(tasks: SweTasks) -> None:
    instance = tasks.all()[0]
    assert instance.test_command.split() == [
        *("python3", "-I", "-S", "-B", "tests/check.py"),
        instance.test_command.split()[-1],
    ]


def test_the_demonstrated_commands_are_unchanged(tmp_path: Path, sandboxes: BubblewrapSandboxes) -> None:
    """The policy that ships has learned these words."""
    write_tasks(tmp_path / "again", train=1, evaluation=1, seed=0)
    statements = [one.problem_statement for one in load_tasks(tmp_path / "again", sandboxes).all()]
    assert all(".py" in statement for statement in statements)
