"""The open boxes of a host. Each is held by a task that ends it when its lease runs out."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.kit.failure import Failure, Missing, Unavailable
from services.sandbox.host.metrics import HostMetrics
from services.sandbox.port import Blueprint, Limits, Sandbox, Sandboxes


@dataclass
class HeldBox:
    """One box, with who may call it next and until when it is held."""

    sandbox: Sandbox
    lease_s: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    held_until: float = 0.0

    def renew(self) -> None:
        self.held_until = time.monotonic() + self.lease_s


class Boxes:
    """Opens boxes for callers. An id is a secret: it is all that it takes to use a box."""

    def __init__(self, sandboxes: Sandboxes, capacity: int, lease_s: float, metrics: HostMetrics) -> None:
        self._sandboxes = sandboxes
        self._capacity = capacity
        self._lease_s = lease_s
        self._metrics = metrics
        self._held: dict[str, HeldBox] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, blueprint: Blueprint, limits: Limits, tree: bytes | None) -> tuple[str, HeldBox]:
        """Errors: Unavailable (full), Refused, SandboxFailure."""
        if len(self._tasks) >= self._capacity:
            self._metrics.opens.labels("full").inc()
            detail = f"this sandbox host has its {self._capacity} boxes open"
            raise Unavailable(detail, status=429, retry_after_s=1.0)
        ready: asyncio.Future[tuple[str, HeldBox]] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._hold(blueprint, limits, tree, ready))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with self._metrics.open_seconds.time():
            return await ready

    @asynccontextmanager
    async def using(self, box_id: str) -> AsyncIterator[Sandbox]:
        """The box, for one call at a time. Errors: Missing."""
        box = self._find(box_id)
        box.renew()
        async with box.turn:
            if box.ended.is_set():
                raise self._missing()
            try:
                yield box.sandbox
            finally:
                box.renew()

    def renew(self, box_id: str) -> None:
        """Errors: Missing."""
        self._find(box_id).renew()

    async def close(self, box_id: str) -> None:
        """Nothing, if there is no such box."""
        if box := self._held.pop(box_id, None):
            box.ended.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Afterwards no box is left."""
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hold(
        self,
        blueprint: Blueprint,
        limits: Limits,
        tree: bytes | None,
        ready: asyncio.Future[tuple[str, HeldBox]],
    ) -> None:
        try:
            async with self._sandboxes.open(blueprint, limits, tree) as sandbox:
                await self._until_it_ends(HeldBox(sandbox, self._lease_s), ready)
        except Failure as failure:
            self._metrics.opens.labels("failed").inc()
            if not ready.done():
                ready.set_exception(failure)
        finally:
            if not ready.done():
                ready.set_exception(Unavailable("this sandbox host is stopping"))

    async def _until_it_ends(self, box: HeldBox, ready: asyncio.Future[tuple[str, HeldBox]]) -> None:
        box_id = secrets.token_urlsafe(24)
        box.renew()
        self._held[box_id] = box
        self._metrics.opens.labels("opened").inc()
        why = "stopped"
        with self._metrics.boxes.track_inprogress():
            try:
                ready.set_result((box_id, box))
                why = await _ended(box)
            finally:
                self._held.pop(box_id, None)
                box.ended.set()
                self._metrics.ended.labels(why).inc()

    def _find(self, box_id: str) -> HeldBox:
        box = self._held.get(box_id)
        if box is None:
            raise self._missing()
        return box

    def _missing(self) -> Missing:
        return Missing("there is no such box here; it was closed, or its lease ran out", field="id")


async def _ended(box: HeldBox) -> str:
    """Waits for the end of the box or of its lease, and says which it was."""
    while (left := box.held_until - time.monotonic()) > 0:
        try:
            await asyncio.wait_for(box.ended.wait(), left)
        except TimeoutError:
            continue
        return "closed"
    return "lease"
