"""`python -m environments.search.corpus --out DIR --seed N`: writes the fictional encyclopedia as HTML."""

import argparse
from pathlib import Path

from environments.search.corpus.encyclopedia.prose import write_encyclopedia
from environments.search.corpus.encyclopedia.world import draw_world


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a fictional encyclopedia as a folder of HTML pages.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_encyclopedia(arguments.out, draw_world(arguments.seed), arguments.seed)


if __name__ == "__main__":
    main()
