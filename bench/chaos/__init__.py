"""`python -m bench chaos`: real processes are killed at random, and the books are checked afterwards."""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> None:
    """The command; imported late, because the processes of this folder do without it."""
    from bench.chaos.command import main as command

    command(argv)
