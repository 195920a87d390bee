"""`python -m bench verdicts`: a hundred rollouts at once of each family, and whether one verdict is wrong.

Each family's real service is a process of its own, with its own tasks, sandboxes and browser. A scripted
agent solves every other task as the reference solution does, and does nothing in the rest; orchestrator
and model are stubs. A verdict is wrong if what was solved scores less than 1, if nothing scores more than
0, or if there is none.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from fastapi import FastAPI, Request

from bench.child import child
from bench.table import table
from bench.verdicts_script import SOLVERS, Solutions, next_move
from services.contracts.environment import ModelAccess, RolloutRequest, TaskRef
from services.contracts.words import new_id
from services.kit.http import http_client
from services.kit.ports import free_port
from services.kit.serve import serving

_TOKEN = "a dispatch token of a benchmark"
_MIB = 1024 * 1024
_HEAD = ("family", "rollouts", "wrong", "seconds", "p50 s", "max s", "CPU s each", "MiB each", "boxes left")


@dataclass(frozen=True)
class Verdicts:
    """`seconds` of all; of one rollout its median time, its CPU time and its part of the peak memory."""

    rollouts: int
    wrong: int
    seconds: float
    p50_s: float
    max_s: float
    cpu_s: float
    mib: float
    leftovers: int
    mistakes: list[str] = field(default_factory=list)


@dataclass
class Surroundings:
    """Orchestrator and model: what each rollout solves is known by its key."""

    solutions: dict[str, Sequence[Mapping[str, Any]] | None] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/environments")
        async def register() -> dict[str, Any]:
            return {}

        @app.post("/v1/environments/{name}/heartbeat")
        async def heartbeat(name: str) -> dict[str, Any]:
            return {"stop": [], "registered": True}

        @app.put("/outcomes/{rollout_id}")
        async def outcome(rollout_id: str, request: Request) -> None:
            self.outcomes[rollout_id] = await request.json()
            self.ended[rollout_id] = time.monotonic()

        @app.post("/v1/chat/completions")
        async def complete(request: Request) -> dict[str, Any]:
            key = request.headers["authorization"].removeprefix("Bearer ")
            move = next_move(self.solutions[key], (await request.json())["messages"])
            usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
            return {"choices": [{"index": 0, "message": move, "finish_reason": "stop"}], "usage": usage}

        return app


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench verdicts", description=__doc__)
    parser.add_argument("--families", nargs="+", choices=SOLVERS, default=tuple(SOLVERS))
    parser.add_argument("--rollouts", type=int, default=100, help="of each family, all at once")
    parser.add_argument("--deadline", type=float, default=900.0, help="seconds of one rollout")
    arguments = parser.parse_args(argv)
    found = {
        family: asyncio.run(measured(family, arguments.rollouts, arguments.deadline))
        for family in arguments.families
    }
    print(table(_HEAD, [_row(family, one) for family, one in found.items()]))
    for family, one in found.items():
        for mistake in one.mistakes[:5]:
            print(f"{family}: {mistake}")
    print(json.dumps({family: asdict(one) for family, one in found.items()}))


def _row(family: str, one: Verdicts) -> tuple[object, ...]:
    times = (f"{one.seconds:.1f}", f"{one.p50_s:.1f}", f"{one.max_s:.1f}", f"{one.cpu_s:.2f}")
    return (family, one.rollouts, one.wrong, *times, f"{one.mib:.0f}", one.leftovers)


async def measured(family: str, rollouts: int, deadline_s: float, tasks: Path | None = None) -> Verdicts:
    """One family's service, from its start to its end; it generates its own tasks unless it is given some."""
    around = Surroundings()
    with TemporaryDirectory(prefix="verdicts-") as scratch:
        folder, port = Path(scratch), free_port()
        tasks = tasks or folder / "tasks"
        async with serving(around.app(), "127.0.0.1", port, folder / "around"):
            here = f"http://127.0.0.1:{port}"
            service = child(
                "environments",
                folder / "ready",
                ("--family", family),
                _settings(tasks, folder, here, rollouts),
                start_s=180.0,
            )
            url = await asyncio.to_thread(service.__enter__)
            try:
                solutions = SOLVERS[family](tasks)
                return await _played(around, url, here, solutions, rollouts, deadline_s)
            finally:
                await asyncio.to_thread(service.__exit__, None, None, None)


def _settings(tasks: Path, folder: Path, here: str, rollouts: int) -> dict[str, str]:
    for name in ("token", "dispatch_token"):
        (folder / name).write_text(_TOKEN)
    values = {
        "port": str(free_port()),
        "orchestrator_url": here,
        "token_file": str(folder / "token"),
        "dispatch_token_file": str(folder / "dispatch_token"),
        "ready_file": str(folder / "ready"),
        "tasks_dir": str(tasks),
        "artifacts_dir": str(folder / "artifacts"),
        "train_tasks": str(rollouts),
        "evaluation_tasks": "8",
        "capacity": str(rollouts),
    }
    return {f"PODIUM_ENVIRONMENT_{name.upper()}": value for name, value in values.items()}


async def _played(
    around: Surroundings, url: str, here: str, solutions: Solutions, rollouts: int, deadline_s: float
) -> Verdicts:
    service = _service(url)
    before, memory = _cpu_s(service), _Memory(service)
    started: dict[str, float] = {}
    async with http_client(base_url=url, token=_TOKEN, timeout_s=60) as client:
        await memory.look()
        for number in range(rollouts):
            request = _request(around, here, solutions, number, deadline_s)
            started[request.rollout_id] = time.monotonic()
            (await client.post("/v1/rollouts", json=request.model_dump())).raise_for_status()
        until = time.monotonic() + deadline_s
        while len(around.outcomes) < rollouts and time.monotonic() < until:
            await memory.look()
            await asyncio.sleep(0.5)
    times = [around.ended[one] - begun for one, begun in started.items() if one in around.ended]
    mistakes = [wrong for one in started if (wrong := _mistake(around, one))]
    return Verdicts(
        rollouts=rollouts,
        wrong=len(mistakes),
        seconds=max(around.ended.values(), default=0.0) - min(started.values()),
        p50_s=statistics.median(times) if times else 0.0,
        max_s=max(times, default=0.0),
        cpu_s=(_cpu_s(service) - before) / rollouts,
        mib=memory.grown / rollouts / _MIB,
        leftovers=sum("bwrap" in process.name() for process in service.children(recursive=True)),
        mistakes=mistakes,
    )


def _request(
    around: Surroundings, here: str, solutions: Solutions, number: int, deadline_s: float
) -> RolloutRequest:
    rollout_id, index = new_id(), number // 2 % len(solutions)
    around.solutions[rollout_id] = solutions[index] if number % 2 == 0 else None
    return RolloutRequest(
        rollout_id=rollout_id,
        attempt=1,
        task=TaskRef(split="train", index=index),
        model=ModelAccess(base_url=f"{here}/v1", api_key=rollout_id, name="script"),
        deadline_s=deadline_s,
        report_url=f"{here}/outcomes/{rollout_id}",
        report_token="none",
    )


def _mistake(around: Surroundings, rollout_id: str) -> str:
    """What is wrong with a verdict, or ""."""
    expected = 0.0 if around.solutions[rollout_id] is None else 1.0
    outcome = around.outcomes.get(rollout_id)
    if outcome is None:
        return "no outcome"
    if (outcome["cause"], outcome["reward"]) == ("completed", expected):
        return ""
    return f"{outcome['cause']}, reward {outcome['reward']} instead of {expected}: {outcome.get('error')}"


def _service(url: str) -> psutil.Process:
    """The child that listens at `url`."""
    port = int(url.rpartition(":")[2])
    children = psutil.Process().children()
    return next(one for one in children if port in {end.laddr.port for end in one.net_connections("tcp")})


def _cpu_s(service: psutil.Process) -> float:
    """Of the service, of what it has ended, and of what still runs below it."""
    total = 0.0
    for process in (service, *service.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


class _Memory:
    """Peak of the service's own memory, its children's, and of the sandboxes' files, above the start."""

    def __init__(self, service: psutil.Process) -> None:
        self._service = service
        self._first: int | None = None
        self._peak = 0

    @property
    def grown(self) -> int:
        return self._peak - (self._first or 0)

    async def look(self) -> None:
        now = await asyncio.to_thread(partial(_used, self._service))
        self._first = now if self._first is None else self._first
        self._peak = max(self._peak, now)


def _used(service: psutil.Process) -> int:
    """Memory that is theirs alone, and the machine's shared memory: sandboxes keep their files there."""
    total: int = psutil.virtual_memory().shared
    for process in (service, *service.children(recursive=True)):
        try:
            total += process.memory_full_info().uss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total
