"""What an OpenEnv environment is told from outside besides `PODIUM_ENVIRONMENT_*`: `PODIUM_OPENENV_*`."""

from typing import Any, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ProcessSettings


class OpenEnvSettings(ProcessSettings):
    """Only the server's address has no default."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_OPENENV_")

    server_url: str = Field(
        pattern=r"^https?://", description="of the OpenEnv server, as its clients have it"
    )
    train_tasks: int = Field(
        default=1024, ge=1, description="a task is a seed: these many of them to train on"
    )
    evaluation_tasks: int = Field(default=128, ge=1, description="seeds that no training task has")
    reset: dict[str, Any] = Field(default_factory=dict, description="what `reset` is given besides the seed")
    system: str = Field(
        default="Solve the task with the tools that you have.", description="the system message"
    )
    prompt_field: str = Field(default="", description="of the first observation: the task; else all of it")
    reward: Literal["sum", "last"] = Field(default="sum", description="what a rollout's reward is made of")
    reward_range: tuple[float, float] = Field(default=(0.0, 1.0), description="lowest and highest reward")
    connect_timeout_s: float = Field(default=10.0, gt=0)
    step_timeout_s: float = Field(default=60.0, gt=0, description="of one answer to `reset` or `step`")
    max_turns: int = Field(default=32, ge=1, description="model calls of one rollout")
    max_tokens: int = Field(default=16_384, ge=1, description="sampled tokens of one rollout")
