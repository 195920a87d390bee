"""`python -m bench sandbox`: how fast sandboxes are, and whether every probe is blocked."""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> None:
    """The command; imported late, because tests use the probes of this folder without it."""
    from bench.sandbox.command import main as command

    command(argv)
