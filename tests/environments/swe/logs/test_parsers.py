"""What each runner prints, and what became of its tests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.swe.logs import PARSERS
from environments.swe.logs.status import Status

P, F, E, S = Status.PASSED, Status.FAILED, Status.ERROR, Status.SKIPPED

PYTEST_SUMMARY = """
============================= short test summary info ==============================
PASSED tests/test_a.py::test_one
PASSED tests/test_a.py::TestB::test_two[a - b]
SKIPPED [1] tests/test_a.py:9: not here
FAILED tests/test_a.py::test_three[x y] - AssertionError: assert 1 - 2
ERROR tests/test_b.py - ImportError: no
XFAIL tests/test_a.py::test_four
\x1b[32mPASSED\x1b[0m tests/test_a.py::test_five
"""
PYTEST_VERBOSE = """
tests/test_a.py::test_one PASSED                                         [ 16%]
tests/test_a.py::test_two[a b] FAILED                                    [ 33%]
tests/test_a.py::test_three SKIPPED (why not)                            [ 50%]
[gw0] [ 66%] PASSED tests/test_a.py::test_four
tests/test_a.py::test_two[a b] PASSED
"""
UNITTEST = """
test_adds (tests.test_sum.SumTests.test_adds) ... ok
test_old (tests.test_sum.SumTests) ... FAIL
test_told (tests.test_sum.SumTests.test_told)
It says what it is for. ... ERROR
test_not (tests.test_sum.SumTests.test_not) ... skipped 'no network'
test_prints (tests.test_sum.SumTests.test_prints) ... some noise
ok
test_xf (tests.test_sum.SumTests.test_xf) ... expected failure
ERROR: setUpClass (tests.test_sum.Other)
"""
GO = """
=== RUN   TestAdd
=== RUN   TestAdd/small_numbers
    add_test.go:9: hm
--- FAIL: TestAdd (0.00s)
    --- FAIL: TestAdd/small_numbers (0.00s)
--- PASS: TestSub (0.01s)
--- SKIP: TestNet (0.00s)
=== RUN   TestPanics
panic: oh no
FAIL	example.com/sum	0.02s
"""
CARGO = """
     Running unittests src/lib.rs (target/debug/deps/sum-1)
running 2 tests
test tests::adds ... ok
test tests::breaks - should panic ... FAILED
     Running tests/whole.rs (target/debug/deps/whole-2)
test adds ... hello from the test
ok
   Doc-tests sum
test src/lib.rs - add (line 3) ... ignored
"""
JEST = """
PASS src/sum.test.js
  sum
    when small
      ✓ adds (2 ms)
    ✕ subtracts
    ○ skipped divides
  ✓ stands alone
FAIL src/other.test.ts (5.1 s)
  ● sum › when small › adds

    ✓ is not a result but text of an error
"""
VITEST = (
    " ✓ src/sum.test.ts > sum > adds 3ms\n × src/sum.test.ts > sum > fails 4ms\n ↓ src/sum.test.ts > later\n"
)
JUNIT = """<?xml version="1.0"?>
<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_one"/>
<testcase classname="tests.test_a" name="test_two"><failure message="no"/></testcase>
<testcase name="alone"><error/></testcase>
<testcase classname="c" name="s"><skipped/></testcase>
</testsuite></testsuites>"""
CTEST = """
1/5 Test #1: adds .............................   Passed    0.01 sec
2/5 Test #2: with spaces ......................***Failed    0.02 sec
3/5 Test #3: slow .............................***Timeout   1.50 sec
4/5 Test #4: crash ............................***Exception: SegFault  0.1 sec
5/5 Test #5: off ..............................***Not Run (Disabled)   0.00 sec
"""
TAP = """TAP version 14
1..5
# Subtest: group
    ok 1 - inner
    not ok 2 - wrong
not ok 1 - group
ok 2 - plain # SKIP not here
not ok 3 - later # TODO
ok 4
"""

CASES = {
    "pytest summary": (
        "pytest",
        PYTEST_SUMMARY,
        {
            "tests/test_a.py::test_one": P,
            "tests/test_a.py::TestB::test_two[a - b]": P,
            "tests/test_a.py::test_three[x y]": F,
            "tests/test_b.py": E,
            "tests/test_a.py::test_four": S,
            "tests/test_a.py::test_five": P,
        },
    ),
    "pytest verbose": (
        "pytest",
        PYTEST_VERBOSE,
        {
            "tests/test_a.py::test_one": P,
            "tests/test_a.py::test_two[a b]": F,
            "tests/test_a.py::test_three": S,
            "tests/test_a.py::test_four": P,
        },
    ),
    "unittest": (
        "unittest",
        UNITTEST,
        {
            "tests.test_sum.SumTests.test_adds": P,
            "tests.test_sum.SumTests.test_old": F,
            "tests.test_sum.SumTests.test_told": E,
            "tests.test_sum.SumTests.test_not": S,
            "tests.test_sum.SumTests.test_prints": P,
            "tests.test_sum.SumTests.test_xf": S,
            "tests.test_sum.Other.setUpClass": E,
        },
    ),
    "go": (
        "go",
        GO,
        {"TestAdd": F, "TestAdd/small_numbers": F, "TestSub": P, "TestNet": S, "TestPanics": E},
    ),
    "cargo": (
        "cargo",
        CARGO,
        {
            "src/lib.rs::tests::adds": P,
            "src/lib.rs::tests::breaks": F,
            "tests/whole.rs::adds": P,
            "Doc-tests sum::src/lib.rs - add (line 3)": S,
        },
    ),
    "jest": (
        "jest",
        JEST,
        {
            "src/sum.test.js > sum > when small > adds": P,
            "src/sum.test.js > sum > subtracts": F,
            "src/sum.test.js > sum > divides": S,
            "src/sum.test.js > stands alone": P,
        },
    ),
    "vitest": (
        "vitest",
        VITEST,
        {"src/sum.test.ts > sum > adds": P, "src/sum.test.ts > sum > fails": F, "src/sum.test.ts > later": S},
    ),
    "junit": (
        "junit",
        JUNIT,
        {"tests.test_a.test_one": P, "tests.test_a.test_two": F, "alone": E, "c.s": S},
    ),
    "ctest": ("ctest", CTEST, {"adds": P, "with spaces": F, "slow": E, "crash": E, "off": S}),
    "tap": (
        "tap",
        TAP,
        {"group > inner": P, "group > wrong": F, "group": F, "plain": S, "later": S, "4": P},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_runner_prints_is_read(case: str) -> None:
    parser, log, expected = CASES[case]
    assert PARSERS[parser](log) == expected


def test_go_events_are_read_with_their_package() -> None:
    events = [("run", "TestA"), ("pass", "TestA"), ("run", "TestB"), ("fail", "TestB"), ("run", "TestC")]
    log = "\n".join(json.dumps({"Package": "ex/sum", "Test": t, "Action": a}) for a, t in events)
    expected = {"ex/sum/TestA": P, "ex/sum/TestB": F, "ex/sum/TestC": E}
    assert PARSERS["go_json"](f'noise\n{{broken\n{log}\n{{"Action":"fail"}}') == expected


def test_a_bail_out_leaves_nothing_passed() -> None:
    assert PARSERS["tap"]("ok 1 - a\nBail out! disk full\nok 2 - b") == {"a": E}


@pytest.mark.parametrize(
    "report",
    [JUNIT[:-20], '<!DOCTYPE a [<!ENTITY b "c">]><testsuite><testcase name="x"/></testsuite>', "", "{}"],
)
def test_a_report_that_is_cut_off_or_dangerous_says_nothing(report: str) -> None:
    assert PARSERS["junit"](report) == {}


@pytest.mark.parametrize("parser", ["pytest", "unittest", "go", "tap", "ctest"])
def test_a_later_line_heals_nothing(parser: str) -> None:
    lines = {
        "pytest": ("FAILED t.py::a - x", "PASSED t.py::a"),
        "unittest": ("a (m.C.a) ... FAIL", "a (m.C.a) ... ok"),
        "go": ("--- FAIL: A (0.0s)", "--- PASS: A (0.0s)"),
        "tap": ("not ok 1 - a", "ok 1 - a"),
        "ctest": ("1/1 Test #1: a ...***Failed  0 sec", "1/1 Test #1: a ...   Passed  0 sec"),
    }[parser]
    for order in (lines, lines[::-1]):
        assert list(PARSERS[parser]("\n".join(order)).values()) == [F]


@given(st.sampled_from(sorted(PARSERS)), st.text(max_size=300))
def test_no_text_breaks_a_parser(parser: str, text: str) -> None:
    assert set(PARSERS[parser](text).values()) <= set(Status)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("parser", sorted(PARSERS))
@pytest.mark.parametrize(
    "line",
    [
        "a.py::" * 200_000,
        "ok" + " " * 500_000 + "x",
        "a (b)" + " ... ok" * 200_000 + ".",
        "  ✓ x" + " [" * 300_000,
    ],
)
def test_no_line_takes_longer_than_its_length_is_worth(parser: str, line: str) -> None:
    """Code under test prints what it likes, and all other rollouts of the service would wait."""
    assert len(PARSERS[parser](line)) <= 1
