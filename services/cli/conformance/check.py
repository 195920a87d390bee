"""One check: its name, what the contract says, what to do about it, and the function that finds out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.cli.conformance.scene import Scene

Visit = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Check:
    """`says` is the contract's sentence, `remedy` what an author does if it is not kept.

    `visit` raises Broken or Skipped.
    """

    name: str
    says: str
    remedy: str
    visit: Visit


def check(says: str, remedy: str) -> Callable[[Visit], Check]:
    """Make a function that visits an environment a check of its name."""
    return lambda visit: Check(visit.__name__, says, remedy, visit)
