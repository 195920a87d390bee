"""Values of `task.toml` that are more than a type: sizes, variables, names of hosts, services and steps."""

import re
import unicodedata
from ipaddress import ip_network
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_MIB = {"": 1.0, "K": 1 / 1024, "M": 1.0, "G": 1024.0}
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([KMG]?)(?:I?B)?\s*$", re.IGNORECASE)
_VARIABLE = re.compile(r"^\$\{([^}:]+)(?::-(.*))?\}$", re.DOTALL)
_LABEL = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")
_UNPORTABLE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


def megabytes(value: object) -> object:
    """The older spelling "2G" in MiB; anything else as it is."""
    if isinstance(value, str) and (match := _SIZE.match(value)):
        return int(float(match[1]) * _MIB[match[2].upper()])
    return value


def resolved(value: object) -> object:
    """`${NAME:-default}` is the default: nothing of this machine's environment enters a sandbox.

    As in Harbor only a value that is nothing else is a template.
    """
    if not isinstance(value, str) or not (match := _VARIABLE.match(value)):
        return value
    if match[2] is None:
        raise ValueError(f"{value} has no default, and sandboxes see none of this machine's variables")
    return match[2]


def known_host(entry: str) -> str:
    """A host name, `*.` and one, an IP address or a range of them, as Harbor writes them."""
    host = entry.strip().lower().rstrip(".")
    try:
        return str(ip_network(host, strict=True)) if "/" in host else _address_or_name(host)
    except ValueError:
        raise ValueError(f"{entry!r} is no host name, IP address or range") from None


def _address_or_name(host: str) -> str:
    try:
        return str(ip_network(host).network_address)
    except ValueError:
        if not all(_LABEL.match(label) for label in host.removeprefix("*.").split(".")):
            raise
        return host


def portable_name(name: str) -> str:
    """The name of a step is one folder below steps/, on every machine."""
    if not name.strip() or name in (".", "..") or name.endswith((".", " ")) or _UNPORTABLE.search(name):
        raise ValueError(f"{name!r} is no portable name of a folder")
    return name


def same_folder(name: str) -> str:
    """What two names share that some file systems take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def inside(path: str) -> str:
    """A path that does not climb out of where it is put."""
    if ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path!r} contains '..'")
    return path


Megabytes = Annotated[int, BeforeValidator(megabytes)]
Variables = dict[str, Annotated[str, BeforeValidator(resolved)]]
Host = Annotated[str, AfterValidator(known_host)]
StepName = Annotated[str, AfterValidator(portable_name)]
InnerPath = Annotated[str, AfterValidator(inside)]
User = str | int
