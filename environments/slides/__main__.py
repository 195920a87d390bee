"""`python -m environments.slides draw|validate DIR`: writes decks, or grades oracle and controls."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from environments.slides.controls import CONTROLS
from environments.slides.settings import SlidesSettings
from environments.slides.tasks import load_tasks, write_tasks
from environments.slides.validation import Validation, validate
from environments.slides.wiring import pool_of
from services.kit.failure import Failure
from services.kit.settings import load_settings


def main() -> None:
    arguments = _arguments()
    settings = load_settings(SlidesSettings)
    try:
        if arguments.command == "draw":
            counts = (arguments.train, arguments.evaluation)
            write_tasks(arguments.tasks_dir, *counts, arguments.seed, settings.forms)
            return
        validation = asyncio.run(_validate(arguments, settings))
    except Failure as failure:
        sys.exit(f"{failure.detail}{f' ({failure.remedy})' if failure.remedy else ''}")
    sys.stdout.write(json.dumps(asdict(validation)) + "\n")
    sys.exit(0 if validation.holds else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m environments.slides")
    commands = parser.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("draw", help="write the decks of both splits")
    draw.add_argument("--train", type=int, default=192)
    draw.add_argument("--evaluation", type=int, default=64)
    draw.add_argument("--seed", type=int, default=0)
    check = commands.add_parser("validate", help="grade oracle, no-op and controls")
    check.add_argument("--tasks", type=int, help="only so many of each split")
    check.add_argument("--controls", nargs="*", choices=sorted(CONTROLS), help="only these")
    for command in (draw, check):
        command.add_argument("tasks_dir", type=Path, help="train.jsonl and evaluation.jsonl")
    return parser.parse_args()


async def _validate(arguments: argparse.Namespace, settings: SlidesSettings) -> Validation:
    splits = load_tasks(arguments.tasks_dir).splits.values()
    decks = [deck for split in splits for deck in islice(split, arguments.tasks)]
    controls = tuple(CONTROLS) if arguments.controls is None else tuple(arguments.controls)
    async with pool_of(settings) as pool:
        return await validate(decks, pool, controls)


if __name__ == "__main__":
    main()
