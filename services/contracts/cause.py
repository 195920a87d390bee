"""Why a rollout ended: the only place that says whether its reward counts and whether to retry."""

from enum import StrEnum


class Cause(StrEnum):
    """How a rollout ended. Only `completed` and `budget` carry a reward."""

    COMPLETED = "completed"
    BUDGET = "budget"
    ENVIRONMENT = "environment"
    SANDBOX = "sandbox"
    ENGINE = "engine"
    VERIFIER = "verifier"
    LOST = "lost"
    STALE = "stale"
    CANCELLED = "cancelled"

    @property
    def reward_valid(self) -> bool:
        return self in _REWARDED

    @property
    def retry(self) -> bool:
        """Whether another attempt can help."""
        return self in _RETRIED


_REWARDED = frozenset({Cause.COMPLETED, Cause.BUDGET})
_RETRIED = frozenset({Cause.ENVIRONMENT, Cause.SANDBOX, Cause.ENGINE, Cause.LOST})
