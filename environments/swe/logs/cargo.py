"""`cargo test`; ids are test paths, with the crate's test binary before them where there is more than one."""

import re

from environments.swe.logs.status import Results, Status, collect
from environments.swe.logs.terminal import lines

_RUNNING = re.compile(r"^\s+Running (?:unittests )?(\S+)|^\s+(Doc-tests) (\S+)")
_TEST = re.compile(r"^test (.+?) \.\.\. (ok|FAILED|ignored)\b")
_SPLIT = re.compile(r"^test (.+?) \.\.\. (?!ok|FAILED|ignored)")
_BARE = re.compile(r"^(ok|FAILED|ignored)$")
_STATUS = {"ok": Status.PASSED, "FAILED": Status.FAILED, "ignored": Status.SKIPPED}


def parse_cargo(log: str) -> Results:
    """With `--nocapture` a test's output may stand between its name and its verdict."""
    found: list[tuple[str, str, Status]] = []
    binary, waiting = "", ""
    for line in lines(log):
        if running := _RUNNING.match(line):
            binary = running[1] or f"{running[2]} {running[3]}"
        elif match := _TEST.match(line):
            found.append((binary, _name(match[1]), _STATUS[match[2]]))
        elif begun := _SPLIT.match(line):
            waiting = _name(begun[1])
        elif waiting and (bare := _BARE.match(line)):
            found.append((binary, waiting, _STATUS[bare[1]]))
            waiting = ""
    several = len({binary for binary, _, _ in found}) > 1
    return collect([(f"{binary}::{name}" if several else name, status) for binary, name, status in found])


def _name(text: str) -> str:
    return text.removesuffix(" - should panic")
