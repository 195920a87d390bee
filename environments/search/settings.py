"""What a search environment is told from outside besides `PODIUM_ENVIRONMENT_*`: `PODIUM_SEARCH_*`."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from services.kit.settings import ProcessSettings


class SearchSettings(ProcessSettings):
    """Defaults need nothing but this machine: generated pages, a local index, no judging model."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_SEARCH_")

    engine: Literal["local", "searxng", "json"] = "local"
    corpus_dir: Path | None = Field(
        default=None, description="pages of the local index; else tasks_dir/corpus"
    )
    engine_url: str = Field(default="", description="of a SearXNG instance, or of a JSON search API")
    engine_key_file: Path | None = Field(default=None, description="sent to a JSON API as a bearer token")
    engine_query: str = Field(default="q", description="the JSON API's parameter for the query")
    engine_limit: str = Field(default="", description="its parameter for the number of results, if any")
    engine_results: str = Field(default="results", description="where its results are: keys parted by dots")
    engine_page: str = "url"
    engine_title: str = "title"
    engine_snippet: str = "content"
    engine_timeout_s: float = Field(default=10.0, gt=0)
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), description="networks that are not public and may be opened nevertheless"
    )
    allowed_ports: tuple[int, ...] = (80, 443)
    cache_s: float = Field(default=3600.0, ge=0, description="how long searches and pages are remembered")

    hits: int = Field(default=5, ge=1, le=50, description="results of one search")
    page_chars: int = Field(default=6_000, ge=200, description="of one part of an opened page")
    python: bool = Field(default=True, description="whether the python tool is offered")
    python_timeout_s: float = Field(default=10.0, gt=0)
    max_turns: int = Field(default=16, ge=1, description="model calls of one rollout")
    max_tokens: int = Field(default=16_384, ge=1, description="sampled tokens of one rollout")

    context: Literal["keep_all", "keep_recent", "discard_all", "hierarchical"] = "keep_all"
    keep_rounds: int = Field(default=5, ge=0, description="k of keep-recent")
    context_tokens: int = Field(default=32_000, ge=1, description="T beyond which everything is discarded")

    judge: Literal["match", "model", "match_then_model"] = "match"
    judge_url: str = Field(default="", description="OpenAI-compatible endpoint of the judging model")
    judge_model: str = ""
    judge_reserve_s: float = Field(
        default=5.0, gt=0.5, description="of a rollout's time, kept for the judge, up to a quarter"
    )
    judge_key_file: Path | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.engine != "local" and not self.engine_url:
            raise ValueError(f"engine '{self.engine}' needs engine_url")
        if self.judge != "match" and not (self.judge_url and self.judge_model):
            raise ValueError(f"judge '{self.judge}' needs judge_url and judge_model")
        return self
