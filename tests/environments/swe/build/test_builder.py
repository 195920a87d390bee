"""From a package to tasks whose reference solution scores and whose bug alone does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from environments.swe.build.__main__ import tests_of as named_tests
from environments.swe.build.builder import Plan, Tally, build
from environments.swe.build.fetch import unpack
from environments.swe.build.statement import statement
from environments.swe.build.trial import Baseline, _noticed
from environments.swe.grading.verdict import Report
from environments.swe.logs.status import Status
from environments.swe.rows import write_instances
from environments.swe.shipped import source_of
from environments.swe.validation import swe_trials
from environments.validation.validate import validate
from services.kit.failure import Refused
from services.sandbox.bubblewrap import BubblewrapSandboxes


async def test_built_tasks_hold(tmp_path: Path, sandboxes: BubblewrapSandboxes) -> None:
    tally = Tally()
    source = source_of(tmp_path / "images")
    found = [task async for task in build(source, Plan(tasks=2, runs=2), sandboxes, tally)]
    write_instances(tmp_path / "train.jsonl", [one.instance for one in found])
    async with swe_trials(tmp_path, sandboxes) as trials:
        validation = await validate(trials, controls=())
    assert (validation.tasks, validation.oracle_full, validation.noop_full) == (2, 2, 0)
    assert validation.holds
    assert (tally.kept, tally.passing, sum(tally.kinds.values())) == (2, 30, 2)
    for task in (one.instance for one in found):
        changed = [line[1:].strip() for line in task.patch.splitlines() if line[0] in "+-"][2:]
        assert not any(len(line) > 8 and line in task.problem_statement for line in changed)


async def test_a_package_without_a_passing_test_is_refused(
    tmp_path: Path, sandboxes: BubblewrapSandboxes
) -> None:
    source = replace(source_of(tmp_path / "images"), tests=("no_tests",))
    with pytest.raises(Refused, match="no test passes"):
        [task async for task in build(source, Plan(), sandboxes, Tally())]


def reports(*runs: dict[str, str]) -> list[Report]:
    return [Report({test: Status(status) for test, status in run.items()}) for run in runs]


def test_only_what_happens_every_time_is_kept() -> None:
    base = Baseline(frozenset("abcd"), frozenset("x"))
    noticed = _noticed(
        reports(
            {"a": "failed", "b": "passed", "c": "passed", "d": "failed", "x": "passed"},
            {"a": "error", "b": "passed", "c": "failed", "d": "passed", "x": "passed"},
        ),
        base,
    )
    assert noticed is not None
    assert (noticed.failing, noticed.passing, noticed.flaky) == (("a",), ("b",), ("c", "d", "x"))
    assert _noticed(reports({"a": "passed", "b": "passed"}, {"a": "failed", "b": "passed"}), base) is None


def test_the_statement_says_what_was_observed() -> None:
    failing = [f"t.py::t{number}" for number in range(5)]
    text = statement("pkg", failing, {"t.py::t0": "AssertionError: 1 != 2\n\n  more"}, "pytest t.py")
    assert "5 tests that should pass fail:" in text
    assert "    t.py::t0\n        AssertionError: 1 != 2\n          more\n" in text
    assert "and 2 more" in text
    assert text.endswith("They run with: pytest t.py")


@pytest.mark.parametrize("command", ["make test", "pytest", "python -m unittest tests", ""])
def test_other_runners_are_refused(command: str) -> None:
    with pytest.raises(Refused):
        named_tests(command)


def test_tests_are_named_by_their_command() -> None:
    assert named_tests("python3 -m pytest -q tests a/test_b.py") == ("tests", "a/test_b.py")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_text("no")
    with pytest.raises(Refused, match="no archive"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")


@pytest.mark.parametrize(
    "option", ["-k slow", "-p no:cacheprovider", "--ignore=tests/x", "-x", "--deselect a"]
)
def test_options_that_are_not_heeded_are_refused_by_name(option: str) -> None:
    with pytest.raises(Refused, match=f"{option.split()[0]} is not heeded"):
        named_tests(f"pytest {option} tests")
