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


@pytest.mark.parametrize("style", ["li{margin:-1.2em 0}", "li{margin:-18px 0}li{margin-top:-36px}"])
async def test_pulling_lines_together_is_worth_less_than_writing_them_close(
    studio: Studio, style: str
) -> None:
    close = await reward(studio, LONG, page(LONG, "li{padding:0}"))
    pulled = await grade(studio, LONG, page(LONG, style))
    assert pulled.components["reward"] < close
    assert pulled.components["spacing"] == 0.0


async def test_a_picture_that_is_painted_over_is_not_seen(studio: Studio) -> None:
    """White through a blend: the picture decides every pixel of its box, and none looks like it."""
    brief = SHORT.model_copy(update={"images": ("images/river.svg",)})
    picture = '<div style="background:#000;position:relative;width:400px;height:300px">%s%s</div>'
    image = '<img src="images/river.svg" width=400 height=300>'
    sheet = '<b style="position:absolute;inset:0;background:#fff;mix-blend-mode:color-dodge"></b>'
    shown, over = [
        await grade(studio, brief, page(brief, tail=picture % (image, top))) for top in ("", sheet)
    ]
    assert (shown.components["content"], over.components["content"]) == (1.0, 0.8)


async def test_colours_count_by_any_name_and_text_on_a_picture_overlaps(studio: Studio) -> None:
    names = (
        "red",
        "gold",
        "#0f0",
        "oklch(50% .2 200)",
        "hsl(9 9% 9%)",
        "rebeccapurple",
        "teal",
        "navy",
        "tan",
    )
    rules = "".join(f"li:nth-child({place}){{color:{name}}}" for place, name in enumerate(names, 1))
    assert (await grade(studio, LONG, page(LONG, rules))).components["colour"] < 0.7
    under = (
        '<img src="images/river.svg" style="position:absolute;left:0;top:0;z-index:-1" width=800 height=600>'
    )
    brief = SHORT.model_copy(update={"images": ("images/river.svg",)})
    assert (await grade(studio, brief, page(brief, tail=under))).components["overlap"] < 0.9


@pytest.mark.parametrize("extra", ["<![x]>", "\ud800"])
async def test_a_broken_source_is_scored(studio: Studio, extra: str) -> None:
    assert await reward(studio, SHORT, page(SHORT, tail=extra)) > 0.3


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
