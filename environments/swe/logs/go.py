"""`go test -v` and `go test -json`; ids are `TestName/subtest`, with -json after their `package/`."""

import json
import re

from environments.swe.logs.status import Results, Status, collect
from environments.swe.logs.terminal import lines

_LINE = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+) \(")
_STARTED = re.compile(r"^=== (?:RUN|CONT)\s+(\S+)")
_STATUS = {"PASS": Status.PASSED, "FAIL": Status.FAILED, "SKIP": Status.SKIPPED}


def parse_go(log: str) -> Results:
    """A test that began and has no end is an error: it panicked, or the run was stopped."""
    found: list[tuple[str, Status]] = []
    started: dict[str, None] = {}
    for line in lines(log):
        if begun := _STARTED.match(line):
            started[begun[1]] = None
        elif match := _LINE.match(line):
            found.append((match[2], _STATUS[match[1]]))
    return _with_unfinished(found, list(started))


def parse_go_json(log: str) -> Results:
    found: list[tuple[str, Status]] = []
    started: dict[str, None] = {}
    for line in log.splitlines():
        event = _event(line)
        if event is None:
            continue
        test, action = f"{event.get('Package', '')}/{event['Test']}", str(event.get("Action", "")).upper()
        if action == "RUN":
            started[test] = None
        elif action in _STATUS:
            found.append((test, _STATUS[action]))
    return _with_unfinished(found, list(started))


def _event(line: str) -> dict[str, object] | None:
    try:
        event = json.loads(line) if line.startswith("{") else None
    except (ValueError, RecursionError):  # a test may print anything
        return None
    return event if isinstance(event, dict) and "Test" in event else None


def _with_unfinished(found: list[tuple[str, Status]], started: list[str]) -> Results:
    ended = {test for test, _ in found}
    return collect([*found, *((test, Status.ERROR) for test in started if test not in ended)])
