"""An environment as the orchestrator knows it."""

from collections import deque
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

from orchestrator.backoff import Backoff
from services.contracts.environment import Manifest

State = Literal["active", "draining", "paused"]
Condition = Literal["active", "draining", "paused", "away"]
Obstacle = Literal["heartbeat", "tasks", "refusal", "failures", "slots"]
RECENT = 64  # sealed groups that spread and cost are estimated from


@dataclass
class Environment:
    """An environment as registered, and how it does: `heard_at` is the last sign of life (monotonic)."""

    name: str
    url: str
    dispatch_token: str | None = field(repr=False)
    share: float
    max_in_flight: int | None
    state: State
    manifest: Manifest
    registered_at: float
    credit: float
    heard_at: float
    min_share: float = 0.0
    max_share: float = 1.0
    deadline_s: float | None = None
    sending: int = 0
    replaced: int = 0
    spreads: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    tokens: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT))
    refusals: Backoff = field(default_factory=lambda: Backoff(0.25, 10.0))
    failures: Backoff = field(default_factory=lambda: Backoff(0.5, 30.0))

    @property
    def limit(self) -> int:
        """Rollouts that it takes at once."""
        return min(self.manifest.capacity, self.max_in_flight or self.manifest.capacity)

    @property
    def spread(self) -> float | None:
        """Mean within-group standard deviation of recent rewards, None before the first group."""
        return fmean(self.spreads) if self.spreads else None
