"""What tests print, as a person would see it on a terminal."""

import re

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_LONGEST = 1_000


def lines(text: str) -> list[str]:
    """Without colours and other escape sequences. Of a line beyond any test's name its beginning alone: code
    under test can print what it likes, and patterns take the square of a line's length.
    """
    return [line[:_LONGEST] for line in _ESCAPES.sub("", text).splitlines()]
