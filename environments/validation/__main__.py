"""`python -m environments.validation TARGET`: a line of JSON for each step of progress, last the result."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from environments.sandboxes import KINDS
from environments.validation.families import BOXED, folder_of, opened
from environments.validation.leftovers import files_in, leftovers
from environments.validation.validate import validate
from environments.validation.validation import Validation
from services.kit.failure import Failure
from services.kit.log import configure_log

_TELL_S = 0.5


def main() -> None:
    configure_log("environment")  # standard output is for the result
    parser = argparse.ArgumentParser(prog="python -m environments.validation")
    parser.add_argument("target", help="a family's name, or a folder of tasks")
    parser.add_argument("--sandboxes", choices=sorted(KINDS), default="bubblewrap")
    parser.add_argument("--tasks", type=int, help="only so many of each split")
    parser.add_argument("--controls", nargs="*", help="only these; none for oracle and no-op alone")
    arguments = parser.parse_args()
    try:
        validation = _validate(arguments)
    except Failure as failure:
        _say({"refused": f"{failure.detail}{f' ({failure.remedy})' if failure.remedy else ''}"})
        sys.exit(1)
    _say({"validation": asdict(validation), "holds": validation.holds})
    sys.exit(0 if validation.holds else 1)


def _validate(arguments: argparse.Namespace) -> Validation:
    with TemporaryDirectory(prefix="podium-validation-") as scratch:
        _put_temporary_files_into(Path(scratch) / "temporary")
        family, folder = folder_of(arguments.target, Path(scratch))
        before = files_in(folder, Path(scratch))
        validation = asyncio.run(_over(family, folder, arguments))
        in_docker = arguments.sandboxes == "docker" and family in BOXED
        for left in leftovers(before, folder, Path(scratch), docker=in_docker):
            validation.leave(left)
    return validation


def _put_temporary_files_into(folder: Path) -> None:
    """So that those which are not removed are seen."""
    folder.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


async def _over(family: str, folder: Path, arguments: argparse.Namespace) -> Validation:
    controls, told = arguments.controls, 0.0

    def tell(validation: Validation, of: int) -> None:
        nonlocal told
        if validation.tasks == of or time.monotonic() - told > _TELL_S:
            told = time.monotonic()
            _say({"tasks": validation.tasks, "of": of, "wrong": len(validation.wrong)})

    async with opened(family, folder, arguments.sandboxes, arguments.tasks) as trials:
        _refuse_unknown(controls or [], trials.controls)
        return await validate(trials, controls, tell)


def _refuse_unknown(asked: list[str], known: object) -> None:
    names = list(known) if isinstance(known, list | tuple) else []
    for name in asked:
        if name not in names:
            raise Failure(f"there is no control {name!r}; there are {', '.join(names)}")


def _say(line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
