"""Full reward takes every expected test; a report that is not whole and signed is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.swe.grading.verdict import Report, judge, phases_to_results, read_log, read_report, sign
from environments.swe.instance import Instance
from environments.swe.logs.status import Status
from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.sandbox.port import CommandResult

KEY = b"key"
TASK = Instance(
    instance_id="a",
    repo="a",
    problem_statement="a",
    FAIL_TO_PASS=("t.py::f", "t.py::g"),
    PASS_TO_PASS=("t.py::p",),
    image="a",
    test_command="pytest -rA",
)
PASSED = dict.fromkeys(TASK.expected, Status.PASSED)


def report(*events: tuple[str, ...], **more: Any) -> str:
    body = {"events": events, "forged": 0, "exit": 0, "timed_out": False, "tail": "the end", **more}
    text = json.dumps(body)
    return f"{sign(KEY, text)} {text}"


@given(st.dictionaries(st.sampled_from(TASK.expected), st.sampled_from(list(Status))))
def test_full_reward_takes_every_test_and_nothing_less(results: dict[str, Status]) -> None:
    verdict = judge(TASK, Report(results))
    assert verdict.reward == float(results == PASSED)
    assert set(verdict.tests) == set(TASK.expected)
    assert all(verdict.tests[test] == results.get(test, "missing") for test in TASK.expected)


def test_a_breach_leaves_no_test_passed() -> None:
    verdict = judge(TASK, Report(PASSED, breaches=("a class is equal to anything: x",)))
    assert (verdict.reward, set(verdict.tests.values())) == (0.0, {"missing"})
    assert verdict.labels == ("breach:a class is equal to anything: x",)


PHASES = [("setup", "a", "passed"), ("call", "a", "passed"), ("teardown", "a", "passed")]


@given(st.lists(st.sampled_from(PHASES)))
def test_a_test_passed_only_with_all_its_phases(events: list[tuple[str, str, str]]) -> None:
    results = phases_to_results([list(event) for event in events])
    assert (results.get("a") is Status.PASSED) == (set(events) == set(PHASES))


def test_what_failed_once_stays_failed() -> None:
    events = [*PHASES, ("call", "a", "failed"), *PHASES]
    assert phases_to_results([list(event) for event in events]) == {"a": Status.FAILED}


def test_a_signed_report_is_read() -> None:
    read = read_report(f"noise\n{report(('ready',), *PHASES, ('end',))}\nmore noise", KEY)
    assert read.results == {"a": Status.PASSED}
    assert read.notes == ()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("", "nothing was printed"),
        ("30 passed in 0.1s", "no complete report"),
        (report(("ready",), ("end",)).replace("end", "End"), "no complete report"),
        (report(("ready",), ("end",))[:-9], "no complete report"),
        (f"{'0' * 64} {{}}", "no complete report"),
        (report(), "could not be started: the end"),
    ],
)
def test_no_whole_report_is_a_failure_of_the_verifier(output: str, said: str) -> None:
    with pytest.raises(Failure, match=said) as failure:
        read_report(output, KEY)
    assert failure.value.cause is Cause.VERIFIER


def test_tests_that_ended_early_are_noted() -> None:
    assert read_report(report(("ready",), *PHASES[:2]), KEY).notes == ("ended_early",)
    assert read_report(report(("ready",), timed_out=True), KEY).notes == ("timed_out",)


LOG = "PASSED t.py::f\nPASSED t.py::g\n"


def test_a_command_that_succeeds_without_a_full_report_is_a_failure_of_the_verifier() -> None:
    with pytest.raises(Failure, match=r"ended with 0, but 1 are not in the report, as t\.py::p") as failure:
        read_log(TASK, CommandResult(LOG, 0), LOG)
    assert failure.value.cause is Cause.VERIFIER


def test_a_command_that_fails_scores_what_it_printed() -> None:
    assert judge(TASK, read_log(TASK, CommandResult(LOG, 1), LOG)).reward == 0.0
    whole = LOG + "PASSED t.py::p\n"
    assert judge(TASK, read_log(TASK, CommandResult(whole, 0), whole)).reward == 1.0
