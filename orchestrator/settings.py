"""Settings of the orchestrator."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, FilePath
from pydantic_settings import SettingsConfigDict
from sqlalchemy import make_url

from orchestrator.fate import Grouping, OnNoVariance
from orchestrator.tasks import Curriculum
from orchestrator.weighting import Policy, Weighting
from services.contracts.environment import Sampling
from services.kit.address import Allowance
from services.kit.settings import ServedSettings


class OrchestratorSettings(ServedSettings):
    """Read from `PODIUM_ORCHESTRATOR_*`."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_ORCHESTRATOR_", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    ready_file: Path | None = None
    log_level: str = "INFO"
    public_url: str | None = Field(default=None, description="where environments reach this process")
    gateway_url: str = "http://127.0.0.1:8100"
    redis_url: str = "redis://127.0.0.1:6379/0"
    redis_password_file: FilePath | None = None
    store_url: str = "sqlite:///podium.sqlite"
    store_password_file: FilePath | None = Field(default=None, description="of the user in store_url")
    secret_file: Path

    engines: tuple[str, ...] = ()
    engine_key_file: Path | None = Field(default=None, description="key that engines ask for")
    engine_admin_key_file: Path | None = Field(default=None, description="key of their control routes")
    engine_poll_s: float = Field(default=0.5, gt=0)
    update_mode: Literal["in_place", "retract"] = "in_place"
    update_timeout_s: float = Field(default=300.0, gt=0)

    group_size: int = Field(default=8, ge=1)
    groups_per_step: int = Field(default=8, ge=1)
    steps_per_version: int = Field(default=1, ge=1)
    max_staleness: int = Field(default=2, ge=0)
    stream_capacity: int = Field(default=1024, ge=1, description="groups that may wait for the learner")
    debt_cap: float = Field(default=8.0, gt=0, description="groups that an environment may be owed")
    share_policy: Policy = Field(default="fixed", description="what shares follow")
    share_temperature: float = Field(default=1.0, gt=0, description="of the policy `tasks`")
    share_floor: float = Field(default=0.05, gt=0, description="of the policy `progress`")
    share_unit: Literal["groups", "tokens"] = Field(default="groups", description="what shares are of")
    tokens_per_unit: int = Field(default=4096, ge=1, description="sampled tokens that count as a group")
    over_sampling: int = Field(default=0, ge=0, description="rollouts opened beyond the size of a group")
    no_variance: OnNoVariance = Field(default="train", description="groups whose rewards are all alike")
    most_replaced: int = Field(default=8, ge=0, description="refunded in a row for want of variance")
    curriculum: Literal["off", "pass_rate"] = "off"
    curriculum_lowest: float = 0.0
    curriculum_highest: float = 1.0
    curriculum_revisit: int = Field(default=4, ge=1, description="epochs until a task is tried all the same")
    stall_s: float = Field(default=60.0, gt=0, description="a wait that is longer is logged")
    train_split: str = "train"
    seed: int = 0
    admission: Literal["open", "paused"] = Field(default="open", description="of a store that is new")

    lease_s: float = Field(default=8.0, gt=0)
    max_attempts: int = Field(default=3, ge=1)
    rollout_deadline_s: float = Field(default=600.0, gt=0)
    max_concurrent_rollouts: int = Field(default=1024, ge=1)

    model_name: str = "policy"
    temperature: float = Field(default=1.0, ge=0.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: int = Field(default=-1, ge=-1)
    max_new_tokens: int = Field(default=512, ge=1)

    run_name: str = Field(default="run", max_length=63, description="of a store that is new")
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] | None = Field(
        default=None,
        description="networks beside the public ones where environments and engines may be; if not given, "
        "the loopback network for an orchestrator that serves nobody else",
    )

    crash_at: str = Field(default="", description="for tests: where this process kills itself")

    @property
    def sampling(self) -> Sampling:
        """How the model is sampled where nothing else is said."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_new_tokens=self.max_new_tokens,
        )

    @property
    def weighting(self) -> Weighting:
        """What shares follow."""
        return Weighting(self.share_policy, self.share_temperature, self.share_floor)

    @property
    def grouping(self) -> Grouping:
        """How groups are made up."""
        tokens = self.tokens_per_unit if self.share_unit == "tokens" else None
        return Grouping(self.over_sampling, self.no_variance, tokens)

    @property
    def task_curriculum(self) -> Curriculum | None:
        """Which tasks are passed over, if any."""
        if self.curriculum == "off":
            return None
        return Curriculum(self.curriculum_lowest, self.curriculum_highest, self.curriculum_revisit)

    @property
    def store(self) -> str:
        """The store's URL, with the password of its file."""
        if self.store_password_file is None:
            return self.store_url
        url = make_url(self.store_url).set(password=self.store_password_file.read_text().strip())
        return url.render_as_string(hide_password=False)

    @property
    def address(self) -> str:
        """The URL that environments report to."""
        return (self.public_url or f"{self.tls.scheme}://{self.host}:{self.port}").rstrip("/")

    @property
    def allowance(self) -> Allowance:
        """Where environments and engines may be."""
        networks = self.allowed_networks
        if networks is None:
            networks = _LOOPBACK if _is_loopback(self.host) else ()
        return Allowance(networks, ports=None, local_names=bool(networks))


_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
