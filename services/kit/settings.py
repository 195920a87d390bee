"""Settings of a process: read once from the environment, frozen, and strict about spelling."""

import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

PROCESSES = (
    "orchestrator",
    "gateway",
    "inference",
    "environment",
    "terminal",
    "search",
    "swe",
    "slides",
    "learner",
    "sandbox",
    "test",
)
# What the `podium` command reads; processes may be started beside it.
OF_THE_COMMAND = frozenset({"PODIUM_URL", "PODIUM_ADMIN_TOKEN_FILE", "PODIUM_DISPATCH_TOKEN_FILE"})


class ProcessSettings(BaseSettings):
    """Base of every process's settings; a subclass sets `env_prefix="PODIUM_<PROCESS>_"`.

    An empty variable counts as none: Docker Compose hands over what nobody set as empty.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True)


Settings = TypeVar("Settings", bound=ProcessSettings)


def load_settings(kind: type[Settings]) -> Settings:
    """Settings from the environment, or a clean stop that names what is wrong.

    Errors: exits with status 2 on an unknown `PODIUM_*` variable or a value that does not fit.
    """
    problems = misspelt(kind, os.environ)
    try:
        settings = kind()
    except ValidationError as error:
        prefix = str(kind.model_config.get("env_prefix", ""))
        problems += [_invalid(prefix, part) for part in error.errors()]
    except SettingsError as error:
        problems.append(f"a setting of {kind.__name__} is not JSON: {error}")
    if problems:
        sys.stderr.write("\n".join(problems) + "\n")
        sys.exit(2)
    return settings


def misspelt(kind: type[ProcessSettings], environment: Mapping[str, str]) -> list[str]:
    """One sentence for each variable that would silently be ignored."""
    prefix = str(kind.model_config.get("env_prefix", ""))
    known = {prefix + name.upper() for name in kind.model_fields}
    return [
        _unknown(variable, known)
        for variable in sorted(environment)
        if variable.upper().startswith("PODIUM_")
        and variable.upper() not in known | OF_THE_COMMAND
        and not _of_another_process(variable.upper(), prefix)
    ]


def _of_another_process(variable: str, prefix: str) -> bool:
    return any(
        variable.startswith(f"PODIUM_{process.upper()}_")
        for process in PROCESSES
        if f"PODIUM_{process.upper()}_" != prefix
    )


def _unknown(variable: str, known: set[str]) -> str:
    near = get_close_matches(variable.upper(), sorted(known), n=1)
    advice = f"did you mean {near[0]}?" if near else f"known are: {', '.join(sorted(known))}"
    return f"unknown setting {variable}: {advice}"


def _invalid(prefix: str, part: Mapping[str, object]) -> str:
    location = part["loc"]
    field = str(location[0]) if isinstance(location, tuple) and location else "settings"
    variable = f"{prefix}{field}".upper()
    if part["type"] == "missing":
        return f"setting {variable} is missing"
    return f"setting {variable}={part.get('input')!r}: {part['msg']}"
