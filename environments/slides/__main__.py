"""`python -m environments.slides draw DIR`: writes decks."""

import argparse
import sys
from pathlib import Path

from environments.slides.settings import SlidesSettings
from environments.slides.tasks import write_tasks
from services.kit.failure import Failure
from services.kit.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m environments.slides")
    draw = parser.add_subparsers(required=True).add_parser("draw", help="write the decks of both splits")
    draw.add_argument("tasks_dir", type=Path, help="must not exist yet")
    draw.add_argument("--train", type=int, default=192)
    draw.add_argument("--evaluation", type=int, default=64)
    draw.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        forms = load_settings(SlidesSettings).forms
    except Failure as failure:
        sys.exit(f"{failure.detail}{f' ({failure.remedy})' if failure.remedy else ''}")
    write_tasks(arguments.tasks_dir, arguments.train, arguments.evaluation, arguments.seed, forms)


if __name__ == "__main__":
    main()
