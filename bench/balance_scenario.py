"""The scenario of `bench balance`: who has which share and speed, who dies when, and how the learner goes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.stubs.family import Pace


@dataclass(frozen=True)
class Member:
    """An environment: its share of trained groups, and how many times the base latency it takes."""

    name: str
    share: float
    slowness: float


@dataclass(frozen=True)
class Scenario:
    """Latencies are lognormal around `base_s · slowness`. `dies` is killed after `dies_after` trained
    groups of the window and comes back `away_s` seconds later."""

    members: tuple[Member, ...] = (
        Member("deep", 0.4, 10.0),
        Member("slow", 0.3, 20.0),
        Member("quick", 0.2, 1.0),
        Member("plain", 0.1, 4.0),
    )
    base_s: float = 0.15
    sigma: float = 0.8
    longest_s: float = 20.0
    group_size: int = 2
    capacity: int = 64
    groups_per_step: int = 8
    step_s: float = 0.8
    max_staleness: int = 10
    warm_up: int = 150
    window: int = 1000
    dies: str = "quick"
    dies_after: int = 250
    away_s: float = 5.0
    lease_s: float = 3.0
    debt_cap: float = 24.0

    @property
    def budget(self) -> int:
        """Groups that may be under way at once: weights stay at version 0, whose groups are consumed."""
        return self.max_staleness * self.groups_per_step

    def pace(self, member: Member) -> Pace:
        return Pace(self.base_s * member.slowness, self.sigma, self.longest_s)

    def error(self, trained: Sequence[str]) -> float:
        """The largest distance between an environment's share of `trained` and its target."""
        counts = Counter(trained)
        return max(abs(counts[member.name] / len(trained) - member.share) for member in self.members)
