"""jest and vitest with `--verbose`; ids are `file > describe > test`."""

import re

from environments.swe.logs.status import Results, Status, collect
from environments.swe.logs.terminal import lines

_FILE = re.compile(r"^\s*(PASS|FAIL)\s+(\S+\.[cm]?[jt]sx?)(?:\s+\(.*\))?\s*$")
_MARK = re.compile(r"^(\s*)(✓|√|✔|✕|×|✗|○|✎|↓)\s+(.+?)(?:\s+\(?\d+(?:\.\d+)? ?m?s\)?)?(?:\s+\[.*\])?\s*$")
_GROUP = re.compile(r"^(\s+)(\S.*?)\s*$")
_VITEST = re.compile(
    r"^\s*(✓|√|✔|✕|×|✗|○|↓)\s+(?:\|[^|]+\|\s+)?(\S+\.[cm]?[jt]sx?) > (.+?)(?:\s+\d+m?s)?\s*$"
)
_PASSED, _SKIPPED = "✓√✔", "○✎↓"
_NOTES = ("skipped ", "todo ")


def parse_jest(log: str) -> Results:
    """jest nests by indentation under `PASS file`; vitest prints one path a line."""
    found: list[tuple[str, Status]] = []
    file, groups = "", list[tuple[int, str]]()
    for line in lines(log):
        if vitest := _VITEST.match(line):
            found.append((f"{vitest[2]} > {vitest[3]}", _status(vitest[1])))
        elif opened := _FILE.match(line):
            file, groups = opened[2], []
        elif not file or not line.strip() or line.lstrip().startswith("●"):
            file = "" if file and line.lstrip().startswith("●") else file
        elif mark := _MARK.match(line):
            groups = _outside(groups, len(mark[1]))
            path = [file, *(name for _, name in groups), _without_note(mark[2], mark[3])]
            found.append((" > ".join(path), _status(mark[2])))
        elif group := _GROUP.match(line):
            groups = [*_outside(groups, len(group[1])), (len(group[1]), group[2])]
    return collect(found)


def _outside(groups: list[tuple[int, str]], indent: int) -> list[tuple[int, str]]:
    return [group for group in groups if group[0] < indent]


def _status(mark: str) -> Status:
    if mark in _PASSED:
        return Status.PASSED
    return Status.SKIPPED if mark in _SKIPPED else Status.FAILED


def _without_note(mark: str, name: str) -> str:
    return next(
        (name.removeprefix(note) for note in _NOTES if mark in _SKIPPED and name.startswith(note)), name
    )
