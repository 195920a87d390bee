"""The scenario of `bench balance` as a simulation in seconds of its own, for policies that Podium lacks."""

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from bench.balance_scenario import Scenario
from orchestrator.balance import Account, charge, choose


@dataclass
class Simulated:
    """What came of it. `blocked_s`: see `Simulation.is_blocked`."""

    trained: list[str] = field(default_factory=list)
    blocked_s: float = 0.0
    seconds: float = 0.0


class Naive:
    """Weighted random sampling: whoever is drawn gets the group, whether it can start on it or not."""

    def __init__(self, scenario: Scenario, random: Random) -> None:
        self._names = [member.name for member in scenario.members]
        self._shares = [member.share for member in scenario.members]
        self._random = random

    def __call__(self, ready: frozenset[str]) -> str | None:
        return self._random.choices(self._names, self._shares)[0]


class Deficit:
    """What the orchestrator does."""

    def __init__(self, scenario: Scenario, random: Random) -> None:
        self._accounts = tuple(Account(member.name, member.share) for member in scenario.members)
        self._cap = scenario.debt_cap

    def __call__(self, ready: frozenset[str]) -> str | None:
        winner = choose(self._accounts, ready)
        if winner is not None:
            self._accounts = charge(self._accounts, winner, self._cap)
        return winner


class Simulation:
    """Groups are opened while the budget lasts, wait for slots, run, and are trained oldest first."""

    def __init__(
        self, scenario: Scenario, policy: Callable[[frozenset[str]], str | None], random: Random
    ) -> None:
        self._scenario, self._policy, self._random = scenario, policy, random
        self._slots = {member.name: scenario.capacity // scenario.group_size for member in scenario.members}
        self._queues: dict[str, deque[None]] = {member.name: deque() for member in scenario.members}
        self._running: Counter[str] = Counter()
        self._sealed: deque[str] = deque()
        self._events: list[tuple[float, int, str, str]] = []
        self._order = count()
        self._epoch = 0  # of the one that dies: what ran before it did ends for nobody
        self._dead = False
        self._died = False
        self._result = Simulated()

    def run(self) -> Simulated:
        scenario, now = self._scenario, 0.0
        self._later(scenario.step_s, "step", "")
        while len(self._result.trained) < scenario.warm_up + scenario.window:
            self._fill(now)
            then, _, what, name = heapq.heappop(self._events)
            self._result.blocked_s += (then - now) if self.is_blocked() else 0.0
            now = then
            self._happen(now, what, name)
        self._result.seconds = now
        self._result.trained = self._result.trained[scenario.warm_up :]
        return self._result

    def is_blocked(self) -> bool:
        """Somebody has free slots and the learner too few groups, yet all that may be open is open."""
        under_way = self._under_way()
        hungry = len(self._sealed) < self._scenario.groups_per_step
        return hungry and under_way >= self._scenario.budget and bool(self._ready())

    def _under_way(self) -> int:
        queued = sum(len(queue) for queue in self._queues.values())
        return len(self._sealed) + self._running.total() + queued

    def _ready(self) -> frozenset[str]:
        return frozenset(name for name in self._slots if self._free(name) > 0 and not self._queues[name])

    def _free(self, name: str) -> int:
        away = self._dead and name == self._scenario.dies
        return 0 if away else self._slots[name] - self._running[name]

    def _fill(self, now: float) -> None:
        while self._under_way() < self._scenario.budget:
            name = self._policy(self._ready())
            if name is None:
                break
            self._queues[name].append(None)
            self._start(now, name)

    def _start(self, now: float, name: str) -> None:
        while self._queues[name] and self._free(name) > 0:
            self._queues[name].popleft()
            self._running[name] += 1
            mark = f"{self._epoch}" if name == self._scenario.dies else "0"
            self._later(now + self._latency(name), f"end {mark}", name)

    def _latency(self, name: str) -> float:
        """Of a group: that of its longest rollout."""
        scenario = self._scenario
        (member,) = (member for member in scenario.members if member.name == name)
        drawn = (self._random.gauss() for _ in range(scenario.group_size))
        longest = scenario.base_s * member.slowness * math.exp(scenario.sigma * max(drawn))
        return min(scenario.longest_s, longest)

    def _happen(self, now: float, what: str, name: str) -> None:
        if what == "step":
            self._step(now)
        elif what == "return":
            self._dead = False
            self._start(now, name)
        elif name != self._scenario.dies or what == f"end {self._epoch}":
            self._running[name] -= 1
            self._sealed.append(name)
            self._start(now, name)

    def _step(self, now: float) -> None:
        scenario = self._scenario
        ready = len(self._sealed) >= scenario.groups_per_step
        for _ in range(scenario.groups_per_step if ready else 0):
            self._result.trained.append(self._sealed.popleft())
        self._later(now + (scenario.step_s if ready else 0.05), "step", "")
        if not self._died and len(self._result.trained) >= scenario.warm_up + scenario.dies_after:
            self._die(now)

    def _die(self, now: float) -> None:
        """What ran is run again after its return."""
        name = self._scenario.dies
        self._died = self._dead = True
        self._epoch += 1
        self._queues[name].extend([None] * self._running.pop(name, 0))
        self._later(now + self._scenario.away_s, "return", name)

    def _later(self, when: float, what: str, name: str) -> None:
        heapq.heappush(self._events, (when, next(self._order), what, name))
