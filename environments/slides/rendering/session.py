"""The order in which a loaded page is measured: as written, photographed, then unstretched and uncut."""

import asyncio
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession, Page

from environments.slides.measurement import HEIGHT, TALLEST, WIDTH, Box, Image, PageMeasurement, Word
from environments.slides.rendering.guard import Guard
from environments.slides.rendering.ink import inked, pixels, seen
from environments.slides.rendering.rendered import Rendered

_STILL = Path(__file__).with_name("still.js").read_text()
_STYLE = Path(__file__).with_name("style.js").read_text()
_MEASURE = Path(__file__).with_name("measure.js").read_text()
_PAINTED = Box(0, 0, WIDTH, TALLEST)

Parts = tuple[tuple[Word, ...], tuple[Image, ...]]


async def measure(page: Page, protocol: CDPSession, guard: Guard) -> Rendered:
    await page.evaluate(_STILL)
    style, layout = await page.evaluate(_STYLE), await _step(page, "layout")
    words = tuple(_word(one) for one in layout["words"])
    images = tuple(_image(one) for one in layout["images"])
    height = round(min(max(layout["height"], HEIGHT), TALLEST))
    shown = await _photograph(protocol, height)
    words, images = await _seen(page, protocol, words, images, shown, height)
    await _step(page, "freeze")
    natural = await _step(page, "natural")
    words = tuple(replace(a, natural=_box(b)) for a, b in zip(words, natural["words"], strict=True))
    images = tuple(replace(a, natural=_box(b)) for a, b in zip(images, natural["images"], strict=True))
    parts: tuple[Word | Image, ...] = (*words, *images)
    boxes = [part.natural for part in parts]
    measurement = PageMeasurement(
        words=words,
        images=images,
        full_width=max(layout["width"], *(box.right for box in boxes), 0),
        full_height=max(layout["height"], *(box.bottom for box in boxes), 0),
        colours=style["colours"],
        spaces=tuple(style["spaces"]),
        refused=guard.refused,
    )
    return Rendered(measurement, shown)


async def _seen(
    page: Page,
    protocol: CDPSession,
    words: tuple[Word, ...],
    images: tuple[Image, ...],
    shown: bytes,
    height: int,
) -> Parts:
    """The same words and images with what pixels say of them; no photograph where there is nothing to see."""
    before = await asyncio.to_thread(pixels, shown)
    if any(_can_be_seen(word.box, word.opacity) for word in words):
        await _step(page, "hide_text")
        bare = await asyncio.to_thread(pixels, await _photograph(protocol, height))
        words = await asyncio.to_thread(inked, words, before, bare)
        before = bare
    if any(_can_be_seen(image.box, image.opacity) for image in images):
        await _step(page, "hide_text")
        await _step(page, "hide_images")
        without = await asyncio.to_thread(pixels, await _photograph(protocol, height))
        images = await asyncio.to_thread(seen, images, before, without)
    return words, images


def _can_be_seen(box: Box, opacity: float) -> bool:
    return opacity > 0 and box.shared(_PAINTED) > 0


async def _photograph(protocol: CDPSession, height: int) -> bytes:
    """Without loss, and without the time that a smaller file would take."""
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 1}
    asked = {
        "format": "png",
        "optimizeForSpeed": True,
        "clip": clip,
        "captureBeyondViewport": height > HEIGHT,
    }
    taken = await protocol.send("Page.captureScreenshot", asked)
    return b64decode(taken["data"])


async def _step(page: Page, name: str) -> Any:
    return await page.evaluate(_MEASURE, name)


def _box(raw: dict[str, float]) -> Box:
    return Box(raw["x"], raw["y"], raw["width"], raw["height"])


def _word(raw: dict[str, Any]) -> Word:
    return Word(**{**raw, "box": _box(raw["box"])})


def _image(raw: dict[str, Any]) -> Image:
    return Image(**{**raw, "box": _box(raw["box"])})
