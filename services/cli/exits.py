"""Exit codes of the `podium` command, and the way to end with a sentence."""

import sys
from enum import IntEnum
from typing import NoReturn


class Exit(IntEnum):
    """0 is success; 2 is the command line's own: an option that does not fit."""

    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    FORBIDDEN = 4
    MISSING = 5
    CONFLICT = 6


def stop(sentence: str, code: Exit = Exit.FAILED) -> NoReturn:
    """End with a sentence on standard error. Raises SystemExit."""
    sys.stderr.write(f"{sentence}\n")
    raise SystemExit(int(code))
