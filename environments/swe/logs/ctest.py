"""ctest's lines, `1/3 Test #1: name .... Passed 0.01 sec`; ids are the names."""

import re

from environments.swe.logs.status import Results, Status, collect
from environments.swe.logs.terminal import lines

_WORDS = "Passed|Failed|Not Run|Timeout|Skipped|Exception|Disabled|Required"
_LINE = re.compile(rf"^\s*\d+/\d+ Test\s+#\d+: (.+?) \.*\s*(?:\*\*\*)?({_WORDS})")
_NOT_RUN = re.compile(r"^\s*\d+/\d+ Test\s+#\d+: (.+?) \.*\s*(?:\*\*\*)?Not Run \(Disabled\)")
_STATUS = {
    "Passed": Status.PASSED,
    "Failed": Status.FAILED,
    "Skipped": Status.SKIPPED,
    "Required": Status.FAILED,
}


def parse_ctest(log: str) -> Results:
    """A test that could not run, ran out of time or crashed is an error; a disabled one was skipped."""
    return collect([found for line in lines(log) if (found := _line(line))])


def _line(line: str) -> tuple[str, Status] | None:
    if disabled := _NOT_RUN.match(line):
        return disabled[1], Status.SKIPPED
    match = _LINE.match(line)
    return (match[1], _STATUS.get(match[2], Status.ERROR)) if match else None
