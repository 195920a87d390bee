"""Faults at random moments, each followed by a wait until its victim is back at work."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.chaos.books import Record
from bench.chaos.world import World

FAULTS = ("kill", "kill", "kill", "stop", "exit")
_TICK_S = 0.05
_QUIET_S = 300.0
_RECENT = "seq > (SELECT max(seq) FROM rollouts) - 2000 AND"


@dataclass
class Fault:
    """`ended_at`: when the victim may go on, at once but for one that is stopped for a while."""

    victim: str
    kind: str
    at: float
    ended_at: float
    recovered_s: float | None = None


@dataclass
class Drill:
    """Runs a world through `kills` faults, `interval_s` apart on average, the last fifth in pairs."""

    world: World
    kills: int
    interval_s: float
    seed: int
    faults: list[Fault] = field(default_factory=list)
    _stopped: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._luck = random.Random(self.seed)
        self._record = Record(self.world.store_file)

    def run(self, rollouts: int, within_s: float) -> float:
        """Until all faults were done and `rollouts` are admitted, or time is over; returns rollouts/s."""
        self._until(lambda: self._record.sealed() > 0, 120)
        began, before = time.monotonic(), self._record.sealed()
        next_at = began + self._wait_s()
        while time.monotonic() < began + within_s:
            self._tick()
            if len(self.faults) >= self.kills and self._record.admitted() >= rollouts:
                break
            if time.monotonic() >= next_at and len(self.faults) < self.kills:
                self._strike()
                next_at = time.monotonic() + self._wait_s()
        return (self._record.sealed() - before) / (time.monotonic() - began)

    def run_steadily(self, kills: int, interval_s: float) -> float:
        """So many SIGKILLs at even intervals, of each process in turn; returns rollouts/s."""
        self._until(lambda: self._record.sealed() > 0, 120)
        began, before = time.monotonic(), self._record.sealed()
        for number in range(1, kills + 1):
            self._until(lambda: not self._recovering(), interval_s)
            self._hit(self.world.victims[(number - 1) % len(self.world.victims)], "kill")
            while time.monotonic() < began + number * interval_s:
                self._tick()
        return (self._record.sealed() - before) / (time.monotonic() - began)

    def settle(self) -> None:
        """No more work: wait until everything that was admitted has ended and been trained."""
        self._until(lambda: not self._recovering(), _QUIET_S)
        self.world.ask("PUT", "/v1/admission", {"state": "paused"})
        self._until(self._record.quiet, _QUIET_S)
        self._until(lambda: self._backlog() == 0, 30)

    def recoveries(self) -> list[float]:
        """Seconds of each fault that was recovered from, in ascending order."""
        return sorted(fault.recovered_s for fault in self.faults if fault.recovered_s is not None)

    def _backlog(self) -> int:
        with self.world.redis() as redis:
            return int(redis.xlen("podium:groups"))

    def _wait_s(self) -> float:
        return self._luck.expovariate(1 / self.interval_s)

    def _strike(self) -> None:
        """Hit one that is not recovering; of the last fifth, two at once."""
        left = self.kills - len(self.faults)
        recovering = {fault.victim for fault in self._recovering()}
        ready = [name for name in self.world.victims if name not in recovering]
        most = 2 if left <= self.kills // 5 else 1
        for victim in self._luck.sample(ready, min(most, left, len(ready))):
            self._hit(victim, self._luck.choice(FAULTS))

    def _hit(self, victim: str, kind: str) -> None:
        child, now = self.world.children[victim], time.time()
        if kind == "stop":
            fault = Fault(victim, kind, now, now + 2 * self.world.lease_s)
            child.send(signal.SIGSTOP)
            self._stopped.append(fault)
        else:
            fault = Fault(victim, kind, now, now)
            child.send(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
        self.faults.append(fault)

    def _tick(self) -> None:
        time.sleep(_TICK_S)
        self.world.tend()
        now = time.time()
        for fault in [fault for fault in self._stopped if now >= fault.ended_at]:
            self.world.children[fault.victim].send(signal.SIGCONT)
            self._stopped.remove(fault)
        for fault in self._recovering():
            if now > fault.ended_at and self._works_since(fault.victim, fault.ended_at):
                fault.recovered_s = time.time() - fault.ended_at

    def _recovering(self) -> list[Fault]:
        return [fault for fault in self.faults if fault.recovered_s is None]

    def _works_since(self, victim: str, moment: float) -> bool:
        """Whether the record shows work that the victim has done after `moment`."""
        ask = self._record.number
        if victim == "learner":
            return bool(ask("SELECT count(*) FROM steps WHERE finished_at > ?", moment))
        if victim == "redis":
            sealed = f"SELECT count(*) FROM rollouts WHERE {_RECENT} state = 'sealed' AND ended_at > ?"
            return bool(ask(sealed, moment))
        if victim in ("gateway", "engine"):  # whole rollouts: a last reply may have been on its way
            whole = f"SELECT count(*) FROM rollouts WHERE {_RECENT} started_at > ? AND reward IS NOT NULL"
            return bool(ask(whole, moment))
        if victim == "orchestrator":
            return bool(ask(f"SELECT count(*) FROM rollouts WHERE {_RECENT} started_at > ?", moment))
        started = f"SELECT count(*) FROM rollouts WHERE {_RECENT} environment = ? AND started_at > ?"
        return bool(ask(started, victim, moment))

    def _until(self, condition: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                return
            self._tick()
