"""Measures one kind of sandbox."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.sandbox.probes import PROBES
from bench.sandbox.trap import listening, trap
from services.sandbox.port import Blueprint, Limits, Sandboxes

_WORK = "for i in 1 2 3 4 5; do seq 20000 | sort -r | md5sum; done"
_WORKED = 7


@dataclass(frozen=True)
class Sizes:
    starts: int
    commands: int
    at_once: int


@dataclass(frozen=True)
class Figures:
    probes: int
    escapes: int
    escaped: tuple[str, ...]
    cold_p50_ms: float
    warm_p95_ms: float
    exec_p50_ms: float
    commands_per_s: float
    at_once: int
    at_once_s: float
    overhead: float


async def measure(sandboxes: Sandboxes, blueprint: Blueprint, sizes: Sizes, waits: bool) -> Figures:
    """`waits`: this kind keeps boxes that wait, which a cold start has to do without."""
    await _start(sandboxes, blueprint, 0)  # the image is built, the first box begins to wait
    cold = [await _start(sandboxes, blueprint, -1 - n if waits else 0) for n in range(sizes.starts)]
    warm = []
    for _ in range(sizes.starts):
        await asyncio.sleep(3.0 if waits else 0.0)  # until one waits again
        warm.append(await _start(sandboxes, blueprint, 0))
    commands, overhead = await _commands(sandboxes, blueprint, sizes.commands)
    at_once_s = await _at_once(sandboxes, blueprint, sizes.at_once)
    escaped = await escapes(sandboxes, blueprint)
    return Figures(
        probes=len(PROBES),
        escapes=len(escaped),
        escaped=tuple(escaped),
        cold_p50_ms=round(1e3 * statistics.median(cold), 1),
        warm_p95_ms=round(1e3 * statistics.quantiles(warm, n=20, method="inclusive")[-1], 1),
        exec_p50_ms=round(1e3 * statistics.median(commands), 3),
        commands_per_s=round(len(commands) / sum(commands)),
        at_once=sizes.at_once,
        at_once_s=round(at_once_s, 2),
        overhead=round(overhead, 2),
    )


async def escapes(
    sandboxes: Sandboxes, blueprint: Blueprint, probes: Mapping[str, str] = PROBES
) -> list[str]:
    """The probes that were not blocked."""
    found = []
    with TemporaryDirectory() as folder, listening() as port:
        async with trap(sandboxes, blueprint, Path(folder), port) as (box, neighbour):
            for name, probe in probes.items():
                result = await box.run(f"cd $(mktemp -d); ( {probe} ); rm -rf $PWD; cd /app", 60)
                if not result.output.endswith("BLOCKED\n"):
                    found.append(f"{name}: {result.output[-200:]!r}")
            if (await neighbour.run("cat /tmp/neighbours", 10)).output != "mine\n":
                found.append("the neighbour did not go on")
    return found


async def _start(sandboxes: Sandboxes, blueprint: Blueprint, variant: int) -> float:
    """Seconds to the first command's output; a variant is a plan of its own, for which no box waits."""
    limits = Limits(cpu_s=Limits().cpu_s + variant)
    began = time.perf_counter()
    async with sandboxes.open(blueprint, limits) as box:
        assert (await box.run("echo here", 60)).output == "here\n"
        return time.perf_counter() - began


async def _commands(sandboxes: Sandboxes, blueprint: Blueprint, count: int) -> tuple[list[float], float]:
    """Seconds of each of many commands, and the overhead of one that works."""
    async with sandboxes.open(blueprint, Limits(cpus=2.0)) as box:
        commands = [await _timed(lambda: box.run("true", 60)) for _ in range(count)]
        pairs = [(await _timed(lambda: box.run(_WORK, 60)), await _timed(_bare)) for _ in range(_WORKED)]
    return commands, statistics.median(inside / outside for inside, outside in pairs)


async def _bare() -> None:
    process = await asyncio.create_subprocess_exec(
        "/bin/bash", "-c", _WORK, stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


async def _at_once(sandboxes: Sandboxes, blueprint: Blueprint, count: int) -> float:
    """Seconds until `count` sandboxes, all open at the same time, have each answered a command."""
    async with AsyncExitStack() as stack:

        async def answered() -> None:
            box = await stack.enter_async_context(sandboxes.open(blueprint, Limits()))
            assert (await box.run("echo here", 120)).output == "here\n"

        began = time.perf_counter()
        await asyncio.gather(*(answered() for _ in range(count)))
        return time.perf_counter() - began
