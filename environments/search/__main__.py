"""`python -m environments.search validate DIR`: oracle, no-op and controls over a folder of questions."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from environments.search.corpus.folder import read_folder
from environments.search.index.local import LocalIndex
from environments.search.judge.judge import MatchJudge
from environments.search.tasks import corpus_of, load_tasks
from environments.search.validation import Validation, validate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m environments.search")
    command = parser.add_subparsers(dest="command", required=True).add_parser("validate")
    command.add_argument("tasks_dir", type=Path, help="train.jsonl and evaluation.jsonl")
    command.add_argument("--corpus", type=Path, help="pages, if not tasks_dir/corpus")
    arguments = parser.parse_args()
    validation = asyncio.run(_validate(arguments.tasks_dir, arguments.corpus))
    sys.stdout.write(json.dumps(asdict(validation)) + "\n")
    sys.exit(0 if validation.holds else 1)


async def _validate(tasks_dir: Path, corpus: Path | None) -> Validation:
    index = LocalIndex(read_folder(corpus or corpus_of(tasks_dir)))
    return await validate(load_tasks(tasks_dir), index, index, MatchJudge())


if __name__ == "__main__":
    main()
