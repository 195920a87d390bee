"""Bugs as rows in SWE-bench's format, by split, and the one image that all of them share."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from environments.swe.build.patch import patch_of
from environments.swe.instance import Instance
from environments.swe.rows import write_instances
from environments.swe.tiny import check
from environments.swe.tiny.bug import Bug, draw_bug
from environments.whole import appears_whole

_IMAGE = "tiny"
_DOCKERFILE = "FROM python:3.11\nWORKDIR /testbed\n"
_TESTS = "tests/check.py"
_CASES = "tests/cases.json"


def split_of(statement: str) -> str:
    """One statement in eight is for evaluation, by a hash that no run or platform changes."""
    return "evaluation" if hashlib.sha256(statement.encode()).digest()[0] % 8 == 0 else "train"


def bugs(split: str, count: int, random: Random) -> Iterator[Bug]:
    """So many bugs of a split, no statement twice."""
    seen = set[str]()
    while len(seen) < count:
        bug = draw_bug(random)
        if split_of(bug.statement) == split and bug.statement not in seen:
            seen.add(bug.statement)
            yield bug


def write_tasks(folder: Path, train: int, evaluation: int, seed: int) -> None:
    """Rows of both splits. The folder appears whole or not at all."""
    with appears_whole(folder) as part:
        image = part / "images" / _IMAGE
        image.mkdir(parents=True, exist_ok=True)
        (image / "Dockerfile").write_text(_DOCKERFILE)
        for split, count in (("train", train), ("evaluation", evaluation)):
            drawn = bugs(split, count, Random(f"tiny/{split}/{seed}"))
            rows = [_instance(f"tiny-{split}-{number:04}", bug) for number, bug in enumerate(drawn)]
            write_instances(part / f"{split}.jsonl", rows)


def _instance(name: str, bug: Bug) -> Instance:
    tests = {_TESTS: Path(check.__file__).read_text(), _CASES: f"{json.dumps(bug.cases)}\n"}
    return Instance(
        instance_id=name,
        repo="tiny",
        problem_statement=bug.statement,
        bug_patch=_new_file(bug.module, bug.buggy),
        patch=patch_of(bug.module, bug.buggy, bug.fixed),
        test_patch="".join(_new_file(path, text) for path, text in tests.items()),
        FAIL_TO_PASS=(bug.broken,),
        PASS_TO_PASS=(bug.sound,),
        image=_IMAGE,
        test_command=f"python3 -I -S -B {_TESTS} {bug.module.removesuffix('.py')}",
        log_parser="tap",
        timeout_s=60.0,
        kind="wrong_word",
    )


def _new_file(path: str, text: str) -> str:
    lines = text.splitlines()
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)
