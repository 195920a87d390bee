"""Boxes that wait, started, for the next rollout of a task that has just been asked for."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from services.sandbox.port import SandboxFailure


@dataclass(frozen=True)
class WarmRules:
    """`each`: boxes that wait for one plan; `most`: of all plans; `idle_s`: how long one waits."""

    each: int = 0
    most: int = 16
    idle_s: float = 120.0


class Closable(Protocol):
    async def close(self) -> None: ...


Plan = TypeVar("Plan", bound=Hashable)
Box = TypeVar("Box", bound=Closable)


class WarmPool(Generic[Plan, Box]):
    """Starts boxes ahead while it runs, for the plans that were asked for last."""

    def __init__(self, start: Callable[[Plan], Awaitable[Box]], rules: WarmRules) -> None:
        self._start = start
        self._rules = rules
        self._waiting: OrderedDict[Plan, deque[tuple[Box, float]]] = OrderedDict()
        self._starting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._runs = False

    def __len__(self) -> int:
        return sum(len(boxes) for boxes in self._waiting.values())

    def take(self, plan: Plan) -> Box | None:
        """A box that waits for this plan, if there is one; another takes its place."""
        if not self._runs:
            return None
        boxes = self._waiting.setdefault(plan, deque())
        self._waiting.move_to_end(plan)
        box = boxes.popleft()[0] if boxes else None
        self._refill(plan)
        return box

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._runs = self._rules.each > 0
        expiring = asyncio.create_task(self._expire())
        try:
            yield
        finally:
            self._runs = False
            tasks = [expiring, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._drop(before=float("inf"))

    def _refill(self, plan: Plan) -> None:
        wanted = self._rules.each - len(self._waiting[plan])
        room = self._rules.most - len(self) - self._starting
        for _ in range(min(wanted, room)):
            self._starting += 1
            task = asyncio.create_task(self._add(plan))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _add(self, plan: Plan) -> None:
        try:
            box = await self._start(plan)
            self._waiting.setdefault(plan, deque()).append((box, time.monotonic()))
        except SandboxFailure:  # who asks next starts one himself, and hears why it fails
            return
        finally:
            self._starting -= 1

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(self._rules.idle_s / 4)
            await self._drop(before=time.monotonic() - self._rules.idle_s)

    async def _drop(self, before: float) -> None:
        old = []
        for plan, boxes in list(self._waiting.items()):
            while boxes and boxes[0][1] < before:
                old.append(boxes.popleft()[0])
            if not boxes:
                del self._waiting[plan]
        await asyncio.gather(*(box.close() for box in old), return_exceptions=True)
