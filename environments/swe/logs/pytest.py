"""pytest's text: the summary of `-rA` and the lines of `-v`."""

import re

from environments.swe.logs.status import Results, Status, collect
from environments.swe.logs.terminal import lines

_STATUS = {
    "PASSED": Status.PASSED,
    "FAILED": Status.FAILED,
    "ERROR": Status.ERROR,
    "SKIPPED": Status.SKIPPED,
    "XFAIL": Status.SKIPPED,
    "XPASS": Status.PASSED,
}
_WORD = "|".join(_STATUS)
_SUMMARY = re.compile(rf"^({_WORD}) (\S+?\.py(?:(?:::| - ).*)?)$")
_VERBOSE = re.compile(rf"^(?:\[gw\d+\] )?(\S+\.py::.+?) ({_WORD})(?: \(.*\))?(?:\s+\[ *\d+%\])?$")
_WORKER = re.compile(rf"^\[gw\d+\] \[ *\d+%\] ({_WORD}) (\S+\.py::.+)$")


def parse_pytest(log: str) -> Results:
    """By node id. Of `FAILED id - reason` the reason is cut off; ids may hold spaces in their brackets."""
    return collect([found for line in lines(log) if (found := _line(line.rstrip()))])


def _line(line: str) -> tuple[str, Status] | None:
    if match := _WORKER.match(line) or _SUMMARY.match(line):
        return _id(match[2]), _STATUS[match[1]]
    if match := _VERBOSE.match(line):
        return match[1], _STATUS[match[2]]
    return None


def _id(text: str) -> str:
    """Cut ` - reason`, but not where a parameter holds such a text: brackets close first."""
    for match in re.finditer(r" - ", text):
        head = text[: match.start()]
        if "[" not in head or head.endswith("]"):
            return head
    return text
