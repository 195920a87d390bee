"""What a slides environment is told from outside besides `PODIUM_ENVIRONMENT_*`: `PODIUM_SLIDES_*`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from environments.slides.deck import Form
from environments.slides.tasks import FORMS
from services.kit.settings import ProcessSettings


class SlidesSettings(ProcessSettings):
    """Defaults need Chromium as Debian installs it, and nothing else."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_SLIDES_")

    chromium: Path = Path("/usr/bin/chromium")
    pages_at_once: int = Field(default=2, ge=1, description="pages that render at the same time")
    page_timeout_s: float = Field(default=20.0, gt=0, description="of one page's rendering")
    html_bytes: int = Field(default=64_000, ge=1_000, description="of one page")
    forms: tuple[Form, ...] = Field(default=FORMS, min_length=1, description="of decks that are drawn")
    max_turns: int = Field(default=12, ge=1, description="model calls of one rollout")
    max_tokens: int = Field(default=16_384, ge=1, description="sampled tokens of one rollout")
    grade_reserve_s: float = Field(default=30.0, gt=0, description="of a rollout's time, kept for grading")
