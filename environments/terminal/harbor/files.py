"""Files of a task directory: read for an archive, never from outside it, none of them skipped."""

import os
from collections.abc import Mapping
from pathlib import Path

from services.kit.failure import Refused

_IGNORE = ".harborignore"


def files_below(root: Path, task: Path) -> Mapping[str, Path]:
    """Every file below `root` by its path from there.

    Errors: Refused for a link to a folder or out of the task, and for a file that says what to leave out.
    """
    found: dict[str, Path] = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = Path(folder, name)
            if path.is_symlink():
                _check_link(path, task)
        if _IGNORE in names:
            path = Path(folder, _IGNORE)
            remedy = "take out what it names, then remove it"
            raise Refused(f"{path} is not supported", field=_IGNORE, remedy=remedy)
        found |= {os.path.relpath(os.path.join(folder, name), root): Path(folder, name) for name in names}
    return dict(sorted(found.items()))


def _check_link(path: Path, task: Path) -> None:
    if not path.is_file() or not path.resolve().is_relative_to(task.resolve()):
        detail = f"{path} is a link to a folder, to nothing or out of the task"
        raise Refused(detail, field=path.name, remedy="put the files themselves there")


def instruction_of(path: Path) -> str:
    """The text for the agent: without the marks against training data that stand at its beginning.

    Errors: Refused if there is none.
    """
    if not path.is_file():
        raise Refused(f"{path} is missing", field=path.name)
    lines = path.read_text().splitlines()
    while lines and _is_canary(lines[0].strip()):
        lines.pop(0)
    return "\n".join(lines).strip()


def _is_canary(line: str) -> bool:
    marked = line.startswith("#") or (line.startswith("<!--") and line.endswith("-->"))
    return marked and "canary" in line.lower()
