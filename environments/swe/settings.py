"""What a software engineering environment is told besides `PODIUM_ENVIRONMENT_*`: `PODIUM_SWE_*`."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ProcessSettings


class SweSettings(ProcessSettings):
    """Defaults need nothing but this machine: the shipped tasks and the bash loop."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_SWE_")

    tasks: Literal["small", "packages"] = Field(
        default="small",
        description="if tasks_dir is missing: of our own small package, or of real ones",
    )
    agent: Literal["bash", "mini"] = "bash"
    mini_python: Path | None = Field(
        default=None, description="Python of an environment with mini-swe-agent, for the agent mini"
    )
    max_turns: int = Field(default=30, ge=1, description="model calls of one rollout")
    max_tokens: int = Field(default=32_768, ge=1, description="sampled tokens of one rollout")
    command_timeout_s: float = Field(default=60.0, gt=0, description="of one of the agent's commands")
    output_bytes: int = Field(default=16_384, ge=256, description="of a command's output that the model sees")
    grading_reserve_s: float = Field(default=30.0, gt=0, description="of a rollout's time, kept for grading")

    @model_validator(mode="after")
    def _mini_is_somewhere(self) -> Self:
        if self.agent == "mini" and self.mini_python is None:
            raise ValueError("the agent mini needs mini_python: where is mini-swe-agent installed?")
        return self
