"""What the gateway is told from outside: `PODIUM_GATEWAY_*`."""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, FilePath, model_validator
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ServedSettings
from services.rendering.chat import KEEP_THINKING


class GatewaySettings(ServedSettings):
    """Engines come from the orchestrator, or are fixed by `engines` where there is none."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_GATEWAY_")

    host: str = "127.0.0.1"
    port: int = Field(default=8100, ge=0, le=65535)
    ready_file: Path | None = None
    log_level: str = "INFO"
    redis_url: str
    redis_password_file: FilePath | None = None
    secret_file: Path
    token_file: Path | None = None
    orchestrator_url: str | None = None
    engines: tuple[str, ...] = Field(default=(), description="JSON list of base URLs")
    model_path: Path = Field(description="folder with tokenizer.json and config.json")
    model_name: str = "policy"
    family: str = Field(default="qwen3", description="chat format; any name that `renderers` knows")
    family_options: dict[str, Any] = Field(default=dict(KEEP_THINKING), description="of that chat format")
    context_length: int | None = Field(default=None, ge=2, description="the model's own, if not given")
    engine_key_file: Path | None = Field(default=None, description="key that engines ask for")
    engine_wait_s: float = Field(default=60.0, gt=0, description="how long a call may find no engine")
    engine_timeout_s: float = Field(default=1800.0, gt=0, description="of one call, pauses included")
    record_lifetime_s: int = Field(default=86_400, ge=60)
    max_sessions: int = Field(default=20_000, ge=1)
    session_idle_s: float = Field(default=600.0, gt=0, description="then its history is read again")
    crash_at: str = Field(default="", description="for tests: where this process kills itself")

    @model_validator(mode="after")
    def _engines_come_from_somewhere(self) -> Self:
        if self.orchestrator_url is None and not self.engines:
            raise ValueError("give orchestrator_url (and token_file), or engines")
        if self.orchestrator_url is not None and self.token_file is None:
            raise ValueError("orchestrator_url needs token_file, a token with scope gateway")
        return self
