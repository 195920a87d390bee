"""`python -m environments.terminal.families --out DIR`: writes both splits as Harbor directories."""

import argparse
from pathlib import Path

from environments.terminal.generated import write_tasks


def main() -> None:
    parser = argparse.ArgumentParser(description="Write generated terminal tasks as Harbor directories.")
    parser.add_argument("--out", type=Path, required=True, help="must not exist yet")
    parser.add_argument("--train", type=int, default=1024)
    parser.add_argument("--evaluation", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_tasks(arguments.out, arguments.train, arguments.evaluation, arguments.seed)


if __name__ == "__main__":
    main()
