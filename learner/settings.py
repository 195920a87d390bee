"""Settings of the learner, from `PODIUM_LEARNER_*`.

The GLM-5 report discloses neither its learning rate nor the band of its asynchronous loss: the defaults
here are our own, found with a policy of half a million parameters.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, FilePath, model_validator
from pydantic_settings import SettingsConfigDict

from learner.step import LossName
from services.kit.settings import ServedSettings

Device = Literal["cpu", "cuda"]


class LearnerSettings(ServedSettings):
    model_config = SettingsConfigDict(env_prefix="PODIUM_LEARNER_", frozen=True, extra="forbid")

    redis_url: str
    redis_password_file: FilePath | None = None
    orchestrator_url: str
    token_file: Path
    policy: Path = Field(description="Hugging Face folder of weight version 0")
    checkpoint_dir: Path
    weights_dir: Path

    host: str = "127.0.0.1"
    port: int = 0
    ready_file: Path | None = None
    log_level: str = "INFO"

    groups_per_step: int = Field(default=8, ge=1)
    steps_per_version: int = Field(default=1, ge=1)
    max_staleness: int = Field(default=2, ge=0)
    max_steps: int | None = Field(default=None, ge=0)
    token_budget: int = Field(default=2048, ge=1, description="tokens and padding of a micro-batch")

    loss: LossName = "direct"
    epsilon_low: float = Field(default=0.5, gt=0, le=1)
    epsilon_high: float = Field(default=1.0, gt=0)
    beta: float = Field(default=2.0, gt=1, description="IcePop's band is [1/beta, beta]")
    teacher: Path | None = Field(default=None, description="Hugging Face folder, for loss 'distillation'")
    normalise_std: bool = False

    learning_rate: float = Field(default=2e-4, gt=0)
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    reset_optimizer: bool = Field(default=True, description="forget Adam's moments after each publish")

    device: Device = Field(default="cpu", description="cuda: the one of LOCAL_RANK")
    threads: int = Field(default=1, ge=1)
    seed: int = 0
    linger: bool = Field(default=False, description="serve metrics after the last step, until a signal")
    keep_records: bool = Field(default=True, description="leave token records of trained groups to expire")
    keep_versions: int = Field(default=4, ge=2)
    crash_at: str = Field(default="", pattern=r"^([a-z_]+:[1-9][0-9]*)?$", description="for tests")

    @model_validator(mode="after")
    def _teacher_teaches(self) -> Self:
        if (self.loss == "distillation") != (self.teacher is not None):
            raise ValueError("loss 'distillation' takes a teacher, and the other losses take none")
        return self
