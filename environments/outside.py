"""A family that lives outside this project: found by `module:function`, as `podium env new` writes it."""

from collections.abc import Callable
from importlib import import_module

from environments.family import Family
from environments.host import Host
from services.kit.failure import Refused


def outside_family(address: str, host: Host) -> Family:
    """What the function at `module:function` makes of a host. Errors: Refused if there is none."""
    return _builder(address)(host)


def _builder(address: str) -> Callable[[Host], Family]:
    module, _, function = address.partition(":")
    try:
        found: Callable[[Host], Family] = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise Refused(
            f"PODIUM_ENVIRONMENT_FAMILY='{address}': {error}",
            field="family",
            value=address,
            remedy="name a function of a module that Python finds from here: 'package.module:function'",
        ) from error
    return found
