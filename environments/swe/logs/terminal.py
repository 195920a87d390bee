"""Text as a person would see it on a terminal."""

import re

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def plain(text: str) -> str:
    """Without colours and other escape sequences, and with \\n at the end of each line."""
    return _ESCAPES.sub("", text).replace("\r\n", "\n")
