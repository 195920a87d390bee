"""Values of a compose file: commands, folders to build, and text with variables."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+)|\$)")


def filled(text: str, env: Mapping[str, str]) -> str:
    """With the values of its variables; `$$` is a dollar. Errors: KeyError, of one that has none."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[3]
        if name is None:
            return "$"
        if name not in env and found[2] is None:
            raise KeyError(name)
        return env.get(name, found[2] or "")

    return _VARIABLE.sub(value, text)


def words_of(command: Any) -> Sequence[str] | None:
    if command is None:
        return None
    if isinstance(command, str):
        return ["/bin/sh", "-c", command]
    return [str(word) for word in command]


def context_of(build: Any) -> str | None:
    """The folder of a build, "" for one that says what we do not."""
    if build is None or isinstance(build, str):
        return build and (build.rstrip("/") or build)
    if not isinstance(build, dict) or set(build) - {"context", "dockerfile"}:
        return ""
    return str(build.get("context", ".")) if build.get("dockerfile", "Dockerfile") == "Dockerfile" else ""
