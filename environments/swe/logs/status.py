"""What became of one test."""

from collections.abc import Callable, Mapping
from enum import StrEnum


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


Results = Mapping[str, Status]  # by test id
Parse = Callable[[str], Results]

_WORST_FIRST = (Status.ERROR, Status.FAILED, Status.SKIPPED, Status.PASSED)


def worse(one: Status | None, other: Status) -> Status:
    """Of two reports of the same test, the one that is further from passing: a later line heals nothing."""
    return other if one is None else min(one, other, key=_WORST_FIRST.index)


def collect(found: list[tuple[str, Status]]) -> dict[str, Status]:
    """Results by test, the worst where a test is named twice."""
    results: dict[str, Status] = {}
    for test, status in found:
        results[test] = worse(results.get(test), status)
    return results
