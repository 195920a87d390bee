"""`python -m environments.swe validate DIR`: oracle, no-op and controls over a folder of tasks."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from environments.swe.controls import CONTROLS
from environments.swe.shipped import write_tasks
from environments.swe.tasks import SweTasks, load_tasks
from environments.swe.validation import Validation, validate
from services.sandbox.bubblewrap import BubblewrapSandboxes


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m environments.swe")
    command = parser.add_subparsers(dest="command", required=True).add_parser("validate")
    command.add_argument("tasks_dir", type=Path, nargs="?", help="rows and images; else the shipped tasks")
    command.add_argument("--first", type=int, help="only so many tasks of each split")
    command.add_argument("--quick", action="store_true", help="oracle and no-op alone, no controls")
    validation = _validate(parser.parse_args())
    sys.stdout.write(json.dumps(asdict(validation)) + "\n")
    sys.exit(0 if validation.holds else 1)


def _validate(arguments: argparse.Namespace) -> Validation:
    sandboxes = BubblewrapSandboxes()
    with TemporaryDirectory() as scratch:
        folder: Path = arguments.tasks_dir or Path(scratch) / "tasks"
        if not folder.exists():
            write_tasks(folder)
        tasks = load_tasks(folder, sandboxes)
        controls = {"nothing": CONTROLS["nothing"]} if arguments.quick else CONTROLS
        return asyncio.run(validate(_first(tasks, arguments.first), sandboxes, controls))


def _first(tasks: SweTasks, count: int | None) -> SweTasks:
    return replace(tasks, splits={split: found[:count] for split, found in tasks.splits.items()})


if __name__ == "__main__":
    main()
