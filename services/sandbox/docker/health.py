"""When a service beside a sandbox is ready, as its compose file says it and as an engine wants to hear it."""

import re
from dataclasses import dataclass
from typing import Any

_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_KNOWN = frozenset({"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"})


@dataclass(frozen=True)
class Health:
    """A command that ends with 0 once the service can be used; times are in seconds."""

    test: tuple[str, ...]
    interval_s: float
    timeout_s: float
    retries: int
    start_period_s: float

    @classmethod
    def of(cls, said: Any) -> "Health | None":
        """None if there is no check. Errors: ValueError."""
        if said is None:
            return None
        if not isinstance(said, dict) or set(said) - _KNOWN:
            raise ValueError(f"it may have {', '.join(sorted(_KNOWN))}")
        test = said.get("test")
        if said.get("disable") or test in ("NONE", ["NONE"]):
            return None
        if isinstance(test, str):
            test = ["CMD-SHELL", test]
        if not test or test[0] not in ("CMD", "CMD-SHELL"):
            raise ValueError("test is a command, or a list that begins with CMD or CMD-SHELL")
        return cls(
            tuple(str(word).replace("$$", "$") for word in test),
            seconds(said.get("interval", "30s")),
            seconds(said.get("timeout", "30s")),
            int(said.get("retries", 3)),
            seconds(said.get("start_period", "0s")),
        )

    @property
    def longest_s(self) -> float:
        """After which it is unhealthy, if it does not get healthy."""
        return self.start_period_s + (self.interval_s + self.timeout_s) * (self.retries + 1)

    def for_the_engine(self) -> dict[str, Any]:
        """For the SDK's `create_container`; a box waits for it, so it is looked at often."""
        return {
            "test": list(self.test),
            "interval": _nanoseconds(min(self.interval_s, 1.0)),
            "timeout": _nanoseconds(self.timeout_s),
            "retries": max(self.retries, round(self.longest_s)),
            "start_period": _nanoseconds(self.start_period_s),
        }


def seconds(text: Any) -> float:
    """Of a duration as compose writes it, such as 1m30s. Errors: ValueError."""
    parts = _PART.findall(str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text):
        raise ValueError(f"{text} is no duration")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _nanoseconds(value: float) -> int:
    return max(1_000_000, int(value * 1e9))
