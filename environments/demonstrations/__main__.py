"""`python -m environments.demonstrations --out FILE`: plays scripted episodes of every family into a file."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import gettempdir

from environments.demonstrations.episode import Episode
from environments.search.tiny.demonstrations import episodes as search_episodes
from environments.slides.tiny.demonstrations import episodes as slides_episodes
from environments.swe.tiny.demonstrations import episodes as swe_episodes
from environments.terminal.demonstrations.episodes import episodes as terminal_episodes

Play = Callable[[int, int, Path], Iterator[Episode]]

FAMILIES: Mapping[str, tuple[Play, int]] = {  # with how many episodes are played
    "terminal": (terminal_episodes, 6_400),
    "search": (search_episodes, 4_000),
    "swe": (swe_episodes, 4_000),
    "slides": (slides_episodes, 3_500),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Play scripted episodes and write them as JSON lines.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=tuple(FAMILIES))
    parser.add_argument("--count", type=int, help="of each family; else as many as the shipped policy saw")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch", type=Path, default=Path(gettempdir()), help="best in memory (/dev/shm)")
    arguments = parser.parse_args()
    counts = {family: arguments.count or FAMILIES[family][1] for family in arguments.families}
    write_episodes(arguments.out, counts, arguments.seed, arguments.scratch)


def write_episodes(out: Path, counts: Mapping[str, int], seed: int, scratch: Path) -> None:
    """So many episodes of each family, one JSON object a line."""
    with out.open("w") as file:
        for family, count in counts.items():
            play, _ = FAMILIES[family]
            for episode in play(count, seed, scratch):
                file.write(episode.to_json() + "\n")


if __name__ == "__main__":
    main()
