"""What a NeMo Gym environment is told besides `PODIUM_ENVIRONMENT_*`: `PODIUM_NEMO_GYM_*`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ProcessSettings


class NemoGymSettings(ProcessSettings):
    """The server's address and its rows have no default."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_NEMO_GYM_")

    server_url: str = Field(pattern=r"^https?://", description="of the resources server")
    train_file: Path = Field(
        description="JSONL; a row has `responses_create_params` and what `/verify` needs"
    )
    evaluation_file: Path | None = Field(default=None, description="rows that are not trained on")
    system: str = Field(
        default="Solve the task with the tools that you have.",
        description="for rows that have no system message",
    )
    reward_range: tuple[float, float] = Field(default=(0.0, 1.0), description="lowest and highest reward")
    tool_timeout_s: float = Field(default=60.0, gt=0, description="of one call of a tool")
    verify_timeout_s: float = Field(
        default=120.0, gt=0, description="also kept of a rollout's time, up to a half"
    )
    max_turns: int = Field(default=32, ge=1, description="model calls of one rollout")
    max_tokens: int = Field(default=16_384, ge=1, description="sampled tokens of one rollout")
