"""What the learner reports of each step: which groups it consumed, and how training goes."""

from typing import Literal

from pydantic import Field

from services.contracts.words import Id, Word


class GroupVerdict(Word):
    """What became of a group: trained in this step, or dropped before it."""

    group_id: Id
    verdict: Literal["trained", "stale", "lost", "no_variance"]
    staleness: int = Field(default=0, description="trained version minus oldest sampled version")


class StepReport(Word):
    """`PUT /v1/steps/{step}`, idempotent. `metrics` holds loss, entropy, ratios, tokens/s and more."""

    step: int = Field(ge=1)
    weight_version: int = Field(ge=0, description="version that the next step trains")
    groups: tuple[GroupVerdict, ...]
    metrics: dict[str, float]
    tito_turns: int = Field(default=0, ge=0)
    tito_breaks: int = Field(default=0, ge=0)
    finished_at: float
