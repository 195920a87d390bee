"""Puts a slides environment together from its settings."""

from environments.host import Host
from environments.slides.environment import VERSION, SlidesFamily
from environments.slides.rendering.pool import Extent, RenderPool
from environments.slides.reward import COMPONENTS
from environments.slides.rules import Rules
from environments.slides.settings import SlidesSettings
from environments.slides.tasks import load_tasks
from services.contracts.environment import Manifest
from services.kit.failure import Refused


def slides_family(host: Host, settings: SlidesSettings) -> SlidesFamily:
    """Errors: Refused if there is no Chromium or the tasks cannot be read."""
    tasks = load_tasks(host.tasks_dir)
    pool = pool_of(settings)
    host.lifetimes.append(pool)
    manifest = Manifest(
        name=host.name,
        version=VERSION,
        description="HTML slides for a brief, measured as a real browser paints them.",
        splits=tasks.counts(),
        capacity=host.capacity,
        reward_components=COMPONENTS,
    )
    rules = Rules(
        max_turns=settings.max_turns,
        max_tokens=settings.max_tokens,
        grade_reserve_s=settings.grade_reserve_s,
        html_bytes=settings.html_bytes,
    )
    return SlidesFamily(manifest, tasks, pool, host.artifacts, host.client, rules, host.metrics)


def pool_of(settings: SlidesSettings) -> RenderPool:
    """Errors: Refused if there is no Chromium."""
    if not settings.chromium.is_file():
        raise Refused(
            f"there is no Chromium at {settings.chromium}",
            field="chromium",
            remedy="apt-get install chromium, or set PODIUM_SLIDES_CHROMIUM",
        )
    return RenderPool(
        settings.chromium,
        Extent(settings.pages_at_once, settings.page_timeout_s, html_bytes=settings.html_bytes),
    )
