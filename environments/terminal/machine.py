"""What of an image this machine cannot stand in for, where sandboxes have none: refused by name."""

import os
import re
from functools import cache
from pathlib import Path

from services.kit.failure import Refused

_DOCKER = "use Docker for this task"
_FROM = re.compile(r"^\s*FROM\s+(?P<image>\S+)", re.IGNORECASE | re.MULTILINE)
_PYTHON = re.compile(r"^(docker\.io/)?(library/)?python:(?P<version>\d+(\.\d+)*)")
_PLACES = ("/usr/local/bin/python3", "/usr/bin/python3")


def refuse_another_image(folder: Path) -> None:
    """Errors: Refused, for a digest, a Python that is not here, and what would not be copied as it is."""
    dockerfile = folder / "Dockerfile"
    named = _FROM.search(dockerfile.read_text()) if dockerfile.is_file() else None
    if named is not None:
        _refuse_base(dockerfile, named["image"])
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            if os.path.islink(path := os.path.join(place, name)):
                _refuse_link(Path(path), folder)
        if not folders and not names:
            raise Refused(f"{place} is empty, and empty folders are not copied", field="COPY", remedy=_DOCKER)


def _refuse_base(dockerfile: Path, image: str) -> None:
    if "@" in image:
        detail = f"{dockerfile}: FROM {image}: a digest names one image, and there is none here"
        raise Refused(detail, field="FROM", value=image, remedy=_DOCKER)
    asked, here = _PYTHON.match(image), _python()
    wanted = ".".join(asked["version"].split(".")[:2]) if asked else ""
    if asked and here and not f"{here}.".startswith(f"{wanted}."):
        detail = f"{dockerfile}: FROM {image}: this machine has Python {here}"
        raise Refused(detail, field="FROM", value=image, remedy=_DOCKER)


def _refuse_link(path: Path, folder: Path) -> None:
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        detail = f"{path} is a link to a folder, to nothing or out of {folder}"
        raise Refused(detail, field="COPY", value=path.name, remedy="put the files themselves there")


@cache
def _python() -> str | None:
    """Major and minor version of the system's Python, by the file that its name leads to."""
    found = next((path for path in map(Path, _PLACES) if path.exists()), None)
    match = re.search(r"python(\d+\.\d+)", found.resolve().name) if found else None
    return match[1] if match else None
