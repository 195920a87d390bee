"""From what the tests said to a verdict: full reward if every expected test passed, else nothing."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from environments.swe.instance import Instance
from environments.swe.logs import PARSERS
from environments.swe.logs.status import Results, Status, worse
from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.sandbox.port import CommandResult

_NOT_RUN = (126, 127)
_KILLED = 128
_PHASES = ("setup", "call", "teardown")
COMPONENTS = ("fail_to_pass", "pass_to_pass")


class BrokenRun(Failure):
    """Tests were run, but what is left of that says nothing: a failure of the verifier, unless provoked."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, cause=Cause.VERIFIER)


@dataclass(frozen=True)
class Report:
    """What became of each test that ran, and why where it failed.

    `breaches`: how code under test tried to decide that itself.
    """

    results: Results
    breaches: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    printed: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The reward, the share of each list that passed, and the status of each expected test."""

    reward: float
    components: Mapping[str, float]
    tests: Mapping[str, str]
    labels: tuple[str, ...] = ()
    printed: str = ""
    diff: str = field(default="", repr=False)


def judge(instance: Instance, report: Report, labels: Iterable[str] = (), diff: str = "") -> Verdict:
    """A breach fails every test, for then none of them says anything about the repository."""
    results: Results = {} if report.breaches else report.results
    tests = {test: str(results.get(test, "missing")) for test in instance.expected}
    shares = {name: _share(tests, ids) for name, ids in zip(COMPONENTS, instance.graded, strict=True)}
    full = all(status == Status.PASSED for status in tests.values())
    marks = (*labels, *report.notes, *(f"breach:{breach}" for breach in report.breaches))
    return Verdict(float(full), shares, tests, marks, report.printed, diff)


def read_report(output: str, key: bytes) -> Report:
    """The one report that was signed with `key`. Errors: BrokenRun if there is none."""
    for line in output.splitlines():
        signature, _, body = line.partition(" ")
        if hmac.compare_digest(signature.encode(), sign(key, body).encode()):
            return _report(json.loads(body))
    printed = output.strip()[-500:] or "nothing was printed"
    raise BrokenRun(f"the tests left no complete report: {printed}")


def read_log(instance: Instance, ran: CommandResult, log: str) -> Report:
    """What a command's tests printed. Errors: BrokenRun if that says nothing about the expected tests."""
    results = PARSERS[instance.log_parser](log)
    broken = "" if ran.timed_out else _broken(instance, ran, results)
    if broken:
        raise BrokenRun(f"{broken}: {log.strip()[-500:] or 'nothing was printed'}")
    notes = ("timed_out",) if ran.timed_out else ()
    return Report(results, notes=notes, printed=log[-2000:])


def _broken(instance: Instance, ran: CommandResult, results: Results) -> str:
    missing = [test for test in instance.expected if test not in results]
    if ran.exit_code in _NOT_RUN or ran.exit_code > _KILLED:
        return f"the tests could not be run to their end (exit {ran.exit_code})"
    if ran.truncated and instance.report_file is None:
        return "the tests printed more than is read"
    if len(missing) == len(instance.expected):
        return f"the tests ended with {ran.exit_code}, but none of them is in the report"
    if ran.exit_code == 0 and missing:
        return f"the tests ended with 0, but {len(missing)} are not in the report, as {missing[0]}"
    return ""


def sign(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _report(body: dict[str, Any]) -> Report:
    events: list[list[str]] = body["events"]
    kinds = {event[0] for event in events}
    if "ready" not in kinds:
        raise BrokenRun(f"the tests could not be started: {body['tail']}")
    breaches = dict.fromkeys(f"{event[1]}: {event[2]}" for event in events if event[0] == "breach")
    notes = [
        *(["timed_out"] if body["timed_out"] else []),
        *(["ended_early"] if "end" not in kinds and not body["timed_out"] else []),
        *(["forged_words"] if body["forged"] else []),
    ]
    reasons = {event[1]: event[2] for event in events if event[0] == "why"}
    return Report(phases_to_results(events), tuple(breaches)[:10], tuple(notes), body["tail"], reasons)


def phases_to_results(events: Iterable[list[str]]) -> Results:
    """A test passed if each of its three phases said so; one that was cut short is an error."""
    phases: dict[str, dict[str, Status]] = {}
    for kind, *words in events:
        if kind in _PHASES:
            known = phases.setdefault(words[0], {})
            known[kind] = worse(known.get(kind), Status(words[1]))
    return {test: _of_phases(known) for test, known in phases.items()}


def _of_phases(known: Mapping[str, Status]) -> Status:
    if known.get("call") is Status.FAILED:
        return Status.FAILED
    if Status.SKIPPED in known.values():
        return Status.SKIPPED
    whole = all(known.get(phase) is Status.PASSED for phase in _PHASES)
    return Status.PASSED if whole else Status.ERROR


def _share(tests: Mapping[str, str], ids: tuple[str, ...]) -> float:
    return sum(tests[test] == Status.PASSED for test in ids) / len(ids) if ids else 1.0
