"""Patches of one text file, as git applies them."""

from difflib import unified_diff


def patch_of(path: str, before: str, after: str) -> str:
    """Both texts end with a newline, as `is_mutable` makes sure."""
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    body = "".join(lines)
    return f"diff --git a/{path} b/{path}\n{body}" if body else ""


def is_mutable(source: bytes) -> bool:
    """Whether a patch of it is plain text: UTF-8, newlines alone, and one at the end."""
    try:
        text = source.decode()
    except UnicodeDecodeError:
        return False
    return "\r" not in text and text.endswith("\n") and len(text.split("\n")) == len(text.splitlines()) + 1
