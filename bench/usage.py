"""What the child processes of a benchmark have taken of the machine."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import psutil

_PARTS = {
    "orchestrator": "orchestrator",
    "services.gateway": "gateway",
    "bench.stubs.engine": "engine",
    "bench.stubs.environment": "environment",
}


@dataclass(frozen=True)
class Usage:
    """CPU seconds so far; bytes resident now, and at most."""

    cpu_s: float = 0.0
    bytes: int = 0
    peak: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu_s + other.cpu_s, self.bytes + other.bytes, self.peak + other.peak)


def usage() -> dict[str, Usage]:
    """By part; several processes of one part together."""
    found: dict[str, Usage] = defaultdict(Usage)
    for process in psutil.Process().children(recursive=True):
        name = _part(process.cmdline())
        if name is not None:
            times, memory = process.cpu_times(), process.memory_info()
            found[name] += Usage(times.user + times.system, memory.rss, _peak(process.pid))
    return dict(found)


def _part(command: list[str]) -> str | None:
    if command and "valkey" in Path(command[0]).name:
        return "valkey"
    return _PARTS.get(command[2]) if len(command) > 2 and command[1] == "-m" else None


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
