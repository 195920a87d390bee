"""Rollouts that take turns as fast as they are answered, and what that took."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from aiohttp import ClientSession, DummyCookieJar, TCPConnector


@dataclass
class Measurement:
    """Turns that were answered in `seconds`, with the latency of each."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def turns_per_s(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile_ms(self, q: float) -> float:
        return float(np.quantile(self.latencies, q)) * 1e3

    def add(self, other: "Measurement") -> None:
        self.seconds += other.seconds
        self.latencies += other.latencies


class _Spell:
    """Counts turns from when every rollout has had its first, and until each could have had another."""

    def __init__(self, rollouts: int, measure_s: float) -> None:
        self._rollouts = rollouts
        self._measure_s = measure_s
        self._cold = rollouts
        self._begun = 0.0
        self.measurement = Measurement()
        self.over = False

    def count(self, started: float, ended: float, first: bool) -> None:
        """One turn that was answered."""
        if first:
            self._cold -= 1
            self._begun = ended
        elif not self._cold and not self.over:
            self.measurement.latencies.append(ended - started)
            self.measurement.seconds = ended - self._begun
            enough = len(self.measurement.latencies) >= self._rollouts
            self.over = enough and self.measurement.seconds >= self._measure_s


async def drive(
    url: str,
    key_of: Callable[[], str],
    bodies: Sequence[bytes],
    rollouts: int,
    ramp_s: float,
    measure_s: float,
) -> Measurement:
    """`rollouts` conversations at once, each of `bodies` in turn and then a new one.

    They start spread over `ramp_s` seconds; once all have begun, turns count for at least `measure_s`
    seconds. Raises RuntimeError on any reply but 200.
    """
    connector = TCPConnector(limit=rollouts, keepalive_timeout=30)
    spell = _Spell(rollouts, measure_s)

    async def rollout(wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        first = True
        while not spell.over:
            headers = {"authorization": f"Bearer {key_of()}", "content-type": "application/json"}
            for body in bodies:
                started = time.perf_counter()
                async with session.post(url, data=body, headers=headers) as reply:
                    content = await reply.read()
                if reply.status != 200:
                    raise RuntimeError(f"{url}: status {reply.status}: {content[:500].decode()}")
                spell.count(started, time.perf_counter(), first)
                first = False
                if spell.over:
                    return

    async with (
        ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session,
        asyncio.TaskGroup() as tasks,
    ):
        for i in range(rollouts):
            tasks.create_task(rollout(ramp_s * i / rollouts))
    return spell.measurement
