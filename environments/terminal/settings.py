"""What a terminal environment is told from outside besides `PODIUM_ENVIRONMENT_*`: `PODIUM_TERMINAL_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from environments.terminal.rules import Rules
from services.kit.settings import ProcessSettings


class TerminalSettings(ProcessSettings):
    """Budgets of the agent."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_TERMINAL_")

    @property
    def rules(self) -> Rules:
        return Rules(
            max_turns=self.max_turns,
            max_tokens=self.max_tokens,
            command_timeout_s=self.command_timeout_s,
            output_bytes=self.output_bytes,
            grading_reserve_s=self.grading_reserve_s,
        )

    max_turns: int = Field(default=6, ge=1, description="model calls of one rollout")
    max_tokens: int = Field(default=8192, ge=1, description="sampled tokens of one rollout")
    command_timeout_s: float = Field(default=10.0, gt=0, description="of one of the agent's commands")
    output_bytes: int = Field(default=8192, ge=256, description="of a command's output that the model sees")
    grading_reserve_s: float | None = Field(
        default=None, gt=0, description="kept for grading a step; unset: what its verifier may take"
    )
