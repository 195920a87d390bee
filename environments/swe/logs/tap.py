"""The Test Anything Protocol, versions 12 to 14; ids are descriptions, nested ones `parent > child`."""

import re

from environments.swe.logs.status import Results, Status, collect
from environments.swe.logs.terminal import lines

_LINE = re.compile(r"^( *)(not )?ok\b ?(\d+)?(?:\s+-)?\s*(.*?)(?:\s+#\s*(skip|todo)\b.*)?$", re.IGNORECASE)
_PARENT = re.compile(r"^( *)# Subtest: (.*)$")
_BAIL = re.compile(r"^\s*Bail out!")


def parse_tap(log: str) -> Results:
    """A test without a description goes by its number. After `Bail out!` nothing counts as passed."""
    found: list[tuple[str, Status]] = []
    parents: dict[int, str] = {}
    for line in lines(log):
        if _BAIL.match(line):
            return {test: Status.ERROR for test, _ in found}
        if parent := _PARENT.match(line):
            parents = {indent: name for indent, name in parents.items() if indent < len(parent[1])}
            parents[len(parent[1])] = parent[2]
        elif match := _LINE.match(line):
            above = [name for indent, name in sorted(parents.items()) if indent < len(match[1])]
            found.append((" > ".join([*above, match[4] or match[3] or ""]), _status(match)))
    return collect(found)


def _status(match: re.Match[str]) -> Status:
    directive = (match[5] or "").lower()
    if directive == "skip" or (directive == "todo" and match[2]):
        return Status.SKIPPED
    return Status.FAILED if match[2] else Status.PASSED
