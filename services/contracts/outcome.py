"""How a rollout attempt ended, as its environment reports it."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from services.contracts.cause import Cause
from services.contracts.words import Id, Word

Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Artifact(Word):
    """A file that an attempt left for people, such as a screenshot; `url` is where its service has it."""

    name: str = Field(min_length=1, max_length=200)
    media_type: str = Field(pattern=r"^[\w.+-]+/[\w.+-]+$")
    url: str
    size: int = Field(default=0, ge=0, description="bytes")
    sha256: str = ""


class Outcome(Word):
    """`PUT {report_url}`: a reward with its components, or a failure with its cause; never both.

    A verifier that yields no finite number is the cause `verifier`, not a reward.
    """

    rollout_id: Id
    attempt: int = Field(ge=1)
    cause: Cause
    reward: float | None = None
    components: dict[str, float] = Field(default_factory=dict)
    error: str | None = Field(default=None, max_length=20_000, description="the original error")
    turns: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    details: dict[str, Any] = Field(default_factory=dict, description="test output, how the agent ended")
    labels: tuple[Label, ...] = Field(default=(), max_length=32, description="suspected hacks; no reward")
    artifacts: tuple[Artifact, ...] = Field(default=(), max_length=64)

    @model_validator(mode="after")
    def _reward_matches_cause(self) -> Self:
        if self.cause.reward_valid and self.reward is None:
            raise ValueError(f"reward is missing: cause '{self.cause}' carries a finite reward")
        if not self.cause.reward_valid and self.reward is not None:
            raise ValueError(f"reward {self.reward} with cause '{self.cause}': a failure carries no reward")
        return self
