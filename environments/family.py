"""What a task family implements; everything else about an environment service is shared."""

import math
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.contracts.cause import Cause
from services.contracts.environment import Manifest, ModelAccess, TaskCard, TaskRef
from services.contracts.outcome import Artifact
from services.kit.failure import Failure


@dataclass(frozen=True)
class Scored:
    """A finished rollout's reward: `completed`, or `budget` when it was cut short and scored as it stood.

    `labels` are suspicions for whoever reads the rollout: they change no reward.
    Errors: Failure (verifier) if a number is not finite.
    """

    cause: Cause
    reward: float
    components: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()

    def __post_init__(self) -> None:
        for name, value in {"reward": self.reward, **self.components}.items():
            if not math.isfinite(value):
                raise Failure(f"the verifier's {name} is {value}", cause=Cause.VERIFIER)


@dataclass
class Progress:
    """How far a rollout is, for people who ask."""

    turns: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


@dataclass(frozen=True)
class Play:
    """One attempt for a family to play: `deadline` is a time of `time.monotonic`."""

    rollout_id: str
    attempt: int
    task: TaskRef
    model: ModelAccess
    deadline: float
    progress: Progress = field(default_factory=Progress)

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()


class Family(Protocol):
    """Tasks of one kind, and how one rollout of one of them goes."""

    @property
    def manifest(self) -> Manifest: ...

    def card(self, task: TaskRef) -> TaskCard:
        """A task for people. Errors: Missing."""

    async def run(self, play: Play) -> Scored:
        """Play one attempt and score it before its deadline.

        Errors: Failure with its cause; anything else that is raised is a fault of the environment.
        Cancelling it must leave nothing behind.
        """
