"""`python -m environments.terminal.demonstrations --out FILE`: plays scripted episodes into a file."""

import argparse
from pathlib import Path
from tempfile import gettempdir

from environments.terminal.demonstrations.episodes import write_episodes


def main() -> None:
    parser = argparse.ArgumentParser(description="Play scripted episodes and write them as JSON lines.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch", type=Path, default=Path(gettempdir()), help="best in memory (/dev/shm)")
    arguments = parser.parse_args()
    write_episodes(arguments.out, arguments.count, arguments.seed, arguments.scratch)


if __name__ == "__main__":
    main()
