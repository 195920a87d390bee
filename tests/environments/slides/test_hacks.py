"""No trick scores better than the honest page with the same content: measured in the real browser."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from environments.slides.deck import Deck, PageBrief
from environments.slides.grading import Graded, Studio
from environments.slides.rendering.pool import Extent, RenderPool
from tests.environments.slides.conftest import CHROMIUM
from tests.environments.slides.hacks import LONG, SHORT, TOO_LONG, TOO_SHORT, page

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio() -> AsyncIterator[Studio]:
    """One browser for all tricks; a page that was rendered is not rendered again."""
    async with RenderPool(CHROMIUM, Extent(pages=1)) as pool:
        yield Studio(pool)


async def grade(studio: Studio, brief: PageBrief, html: str) -> Graded:
    return await studio.grade(Deck(pages=(brief,)), {1: html})


async def reward(studio: Studio, brief: PageBrief, html: str) -> float:
    return (await grade(studio, brief, html)).components["reward"]


@pytest.mark.parametrize("trick", TOO_LONG)
async def test_nothing_makes_too_much_content_look_better(studio: Studio, trick: str) -> None:
    honest = await reward(studio, LONG, page(LONG))
    assert 0.3 < honest < 0.8
    assert await reward(studio, LONG, TOO_LONG[trick](LONG)) <= honest


@pytest.mark.parametrize("trick", TOO_SHORT)
async def test_nothing_makes_too_little_content_look_better(studio: Studio, trick: str) -> None:
    honest = await reward(studio, SHORT, page(SHORT))
    assert 0.3 < honest < 0.8
    assert await reward(studio, SHORT, TOO_SHORT[trick](SHORT)) <= honest


async def test_the_reports_two_hacks_are_seen_through(studio: Studio) -> None:
    """Cut at 720 px and stretched to 720 px: the page is as tall and as short as it was."""
    tall, cut = [await grade(studio, LONG, html) for html in (page(LONG), TOO_LONG["overflow_hidden"](LONG))]
    assert cut.components["aspect"] <= tall.components["aspect"] < 0.01
    assert cut.components["overflow"] == tall.components["overflow"] == 0.0
    short, stretched = [
        await grade(studio, SHORT, html) for html in (page(SHORT), TOO_SHORT["flex_stretch_cards"](SHORT))
    ]
    assert stretched.components["aspect"] == pytest.approx(short.components["aspect"], abs=1e-6)
    assert stretched.components["whitespace"] <= short.components["whitespace"]


async def test_suspicions_are_labels(studio: Studio) -> None:
    assert (await grade(studio, SHORT, page(SHORT))).labels == ()
    assert "cut_off" in (await grade(studio, LONG, TOO_LONG["overflow_hidden"](LONG))).labels
    assert "hidden_text" in (await grade(studio, LONG, TOO_LONG["transparent_rest"](LONG))).labels
    assert "stacked_text" in (await grade(studio, LONG, TOO_LONG["stacked"](LONG))).labels
    assert "forbidden_markup" in (await grade(studio, LONG, TOO_LONG["by_script"](LONG))).labels
    assert "asks_the_network" in (await grade(studio, SHORT, TOO_SHORT["font_not_loaded"](SHORT))).labels
