"""Settings of a process: read once from the environment, frozen, and strict about spelling."""

import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from services.kit.limits import LimitRules
from services.kit.tls import Tls

PROCESSES = (
    "orchestrator",
    "gateway",
    "inference",
    "environment",
    "terminal",
    "search",
    "swe",
    "slides",
    "openenv",
    "nemo_gym",
    "learner",
    "sandbox",
    "test",
)
# What the `podium` command reads; processes may be started beside it.
OF_THE_COMMAND = frozenset(
    {
        "PODIUM_ORCHESTRATOR_URL",
        "PODIUM_ADMIN_TOKEN_FILE",
        "PODIUM_DISPATCH_TOKEN_FILE",
        "PODIUM_TLS_CA_FILE",
        "PODIUM_TLS_CERT_FILE",
        "PODIUM_TLS_KEY_FILE",
    }
)


class ProcessSettings(BaseSettings):
    """Base of every process's settings; a subclass sets `env_prefix="PODIUM_<PROCESS>_"`.

    An empty variable counts as none: Docker Compose hands over what nobody set as empty.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True)


class ServedSettings(ProcessSettings):
    """Base of those of a process that serves: its certificates, and how much a client may send."""

    tls_cert_file: Path | None = Field(default=None, description="certificate to serve and to call with")
    tls_key_file: Path | None = Field(default=None, description="its private key")
    tls_ca_file: Path | None = Field(default=None, description="authority of those whom we trust")
    tls_mutual: bool = Field(default=False, description="clients must show a certificate of that authority")
    max_body_bytes: int = Field(default=8_388_608, ge=1, description="of one request")
    max_requests_s: float = Field(default=500.0, ge=0, description="with one token, sustained; 0: any number")
    max_refusals_s: float = Field(default=20.0, ge=0, description="of one address's tokens; 0: any number")

    @model_validator(mode="after")
    def _certificates_fit(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("give tls_cert_file and tls_key_file together")
        if self.tls_mutual and (self.tls_cert_file is None or self.tls_ca_file is None):
            raise ValueError("tls_mutual needs tls_cert_file, tls_key_file and tls_ca_file")
        return self

    @property
    def tls(self) -> Tls:
        return Tls(self.tls_cert_file, self.tls_key_file, self.tls_ca_file, self.tls_mutual)

    @property
    def limits(self) -> LimitRules:
        return LimitRules(self.max_body_bytes, self.max_requests_s, self.max_refusals_s)


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
