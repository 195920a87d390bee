"""What the engine process is told from outside: `PODIUM_INFERENCE_*`."""

from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ServedSettings


class InferenceSettings(ServedSettings):
    """One engine: ours on a processor, or SGLang itself, launched with the flags that training needs."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_INFERENCE_", protected_namespaces=())

    engine: Literal["cpu", "sglang"] = "cpu"
    host: str = "127.0.0.1"
    port: int = Field(default=8200, ge=0, le=65535)
    ready_file: Path | None = Field(default=None, description="engine=cpu: gets the address once it serves")
    log_level: str = "INFO"
    model_path: Path = Field(description="folder with config.json, *.safetensors and tokenizer.json")
    weight_version: str = Field(default="default", description="label of the first weights")
    seed: int | None = Field(default=None, description="of sampling, for requests without a seed")
    max_running_requests: int | None = Field(default=None, ge=1, description="64 for engine=cpu")
    max_total_tokens: int | None = Field(default=None, ge=2, description="131072 for engine=cpu")
    context_length: int | None = Field(default=None, ge=2, description="the model's own, if not given")
    max_requests_s: float = Field(default=0.0, ge=0, description="with one key: the gateway speaks for all")
    api_key_file: Path | None = Field(default=None, description="key that every request must carry")
    admin_token_file: Path | None = Field(default=None, description="key that control routes take instead")
    allow_anonymous: bool = Field(default=False, description="serve beyond this machine without a key")
    health_timeout_s: float = Field(default=20.0, gt=0, description="engine=cpu: of /health_generate")
    tensor_parallel: int = Field(default=1, ge=1, description="engine=sglang: GPUs that share one copy")
    data_parallel: int = Field(default=1, ge=1, description="engine=sglang: copies")
    memory_fraction: float | None = Field(default=None, gt=0, lt=1, description="engine=sglang: of a GPU")
    sglang_python: str = Field(default="python3", description="engine=sglang: an interpreter that has it")
    sglang_arguments: tuple[str, ...] = Field(default=(), description="JSON list of further flags for it")
    crash_at: str = Field(default="", description="for tests: where this process kills itself")

    @model_validator(mode="after")
    def _keys_where_others_can_reach(self) -> Self:
        if self.api_key_file is None and not self.allow_anonymous and not _is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached from elsewhere: give api_key_file, or allow_anonymous=true"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_engine(self) -> Self:
        if self.engine == "sglang" and (self.port == 0 or self.ready_file is not None):
            raise ValueError("engine=sglang needs a fixed port and no ready_file; wait for GET /health")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
