"""The words of a task: what was observed, not where it comes from."""

from collections.abc import Mapping, Sequence

_SHOWN = 3
_INDENT = "        "


def statement(package: str, failing: Sequence[str], reasons: Mapping[str, str], command: str) -> str:
    """Tests that fail and what they said; the file and the line of the bug are for the agent to find."""
    count = f"{len(failing)} tests that should pass fail"
    if len(failing) == 1:
        count = "One test that should pass fails"
    shown = "\n".join(_observed(test, reasons.get(test, "")) for test in failing[:_SHOWN])
    more = f"\n    and {len(failing) - _SHOWN} more" if len(failing) > _SHOWN else ""
    return (
        f"Something in {package} is broken. {count}:\n\n"
        f"{shown}{more}\n\n"
        f"Find the cause in the package and fix it; the tests are right. They run with: {command}"
    )


def _observed(test: str, reason: str) -> str:
    lines = [line.rstrip() for line in reason.splitlines() if line.strip()][:4]
    return "\n".join([f"    {test}", *(f"{_INDENT}{line[:200]}" for line in lines)])
