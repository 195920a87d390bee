"""unittest's lines with `-v`; ids are `package.module.Class.test`."""

import re

from environments.swe.logs.status import Results, Status, collect
from environments.swe.logs.terminal import lines

_NAMED = re.compile(r"^(\w+) \(([\w.]+)\)")
_END = re.compile(
    r"(?:\.\.\. (?:.*\s)?|^)(ok|FAIL|ERROR|skipped|expected failure|unexpected success)\b[^.]*$"
)
_HEADLINE = re.compile(r"^(ERROR|FAIL): (\w+) \(([\w.]+)\)")
_STATUS = {
    "ok": Status.PASSED,
    "FAIL": Status.FAILED,
    "ERROR": Status.ERROR,
    "skipped": Status.SKIPPED,
    "expected failure": Status.SKIPPED,
    "unexpected success": Status.FAILED,
}


def parse_unittest(log: str) -> Results:
    """A test's line may be followed by its docstring, which then carries the verdict."""
    found: list[tuple[str, Status]] = []
    current: str | None = None
    for line in lines(log):
        if headline := _HEADLINE.match(line):
            found.append((_id(headline[2], headline[3]), _STATUS[headline[1]]))
            current = None
            continue
        if named := _NAMED.match(line):
            current = _id(named[1], named[2])
        if current is not None and (end := _END.search(line)):
            found.append((current, _STATUS[end[1]]))
            current = None
    return collect(found)


def _id(name: str, path: str) -> str:
    """From Python 3.11 on the brackets hold the whole id, before that only the class."""
    return path if path.endswith(f".{name}") else f"{path}.{name}"
