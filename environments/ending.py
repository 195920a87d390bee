"""How an agent's work on a task ended, and what it was made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.contracts.cause import Cause

_SPANS_SHOWN = 500


@dataclass(frozen=True)
class Span:
    """When a tool was at work, in seconds since the epoch."""

    tool: str
    started_at: float
    seconds: float


@dataclass(frozen=True)
class Ending:
    """Why an agent stopped, `completed` or `budget`; its last words, "" if it called tools to the end."""

    cause: Cause
    reason: str = ""
    sampled_tokens: int = 0
    words: str = ""
    tools: Mapping[str, int] = field(default_factory=dict)
    rewrites: int = 0
    spans: tuple[Span, ...] = ()

    @property
    def details(self) -> dict[str, Any]:
        """For whoever reads the rollout."""
        return {
            "ended": self.reason,
            "sampled_tokens": self.sampled_tokens,
            "tools": dict(self.tools),
            "context_rewrites": self.rewrites,
            "spans": [vars(span) for span in self.spans[:_SPANS_SHOWN]],
        }
