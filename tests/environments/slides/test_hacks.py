"""No trick scores better than the honest page with the same content: measured in the real browser."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from environments.slides.deck import Deck, PageBrief
from environments.slides.grading import Graded, Studio
from environments.slides.rendering.pool import RenderPool
from tests.environments.slides.hacks import LONG, SHORT, TOO_LONG, TOO_SHORT, page

pytestmark = pytest.mark.chromium


async def grade(pool: RenderPool, brief: PageBrief, html: str) -> Graded:
    return await Studio(pool).grade(Deck(pages=(brief,)), {1: html})


@pytest.mark.parametrize(("brief", "tricks"), [(LONG, TOO_LONG), (SHORT, TOO_SHORT)], ids=["long", "short"])
async def test_no_trick_beats_the_honest_page(
    pool: RenderPool, brief: PageBrief, tricks: Mapping[str, Callable[[PageBrief], str]]
) -> None:
    honest = (await grade(pool, brief, page(brief))).components["reward"]
    assert 0.3 < honest < 0.8
    tried = await asyncio.gather(*(grade(pool, brief, trick(brief)) for trick in tricks.values()))
    scores = {name: one.components["reward"] for name, one in zip(tricks, tried, strict=True)}
    assert {name: score for name, score in scores.items() if score > honest} == {}


async def test_the_reports_two_hacks_are_seen_through(pool: RenderPool) -> None:
    """Cut at 720 px and stretched to 720 px: the page is as tall and as short as it was."""
    tall, cut = [await grade(pool, LONG, html) for html in (page(LONG), TOO_LONG["overflow_hidden"](LONG))]
    assert cut.components["aspect"] <= tall.components["aspect"] < 0.01
    assert cut.components["overflow"] == tall.components["overflow"] == 0.0
    short, stretched = [
        await grade(pool, SHORT, html) for html in (page(SHORT), TOO_SHORT["flex_stretch_cards"](SHORT))
    ]
    assert stretched.components["aspect"] == pytest.approx(short.components["aspect"], abs=1e-6)
    assert stretched.components["whitespace"] <= short.components["whitespace"]


async def test_suspicions_are_labels(pool: RenderPool) -> None:
    assert (await grade(pool, SHORT, page(SHORT))).labels == ()
    assert "cut_off" in (await grade(pool, LONG, TOO_LONG["overflow_hidden"](LONG))).labels
    assert "hidden_text" in (await grade(pool, LONG, TOO_LONG["transparent_rest"](LONG))).labels
    assert "stacked_text" in (await grade(pool, LONG, TOO_LONG["stacked"](LONG))).labels
    assert "forbidden_markup" in (await grade(pool, LONG, TOO_LONG["by_script"](LONG))).labels
    assert "asks_the_network" in (await grade(pool, SHORT, TOO_SHORT["font_not_loaded"](SHORT))).labels
