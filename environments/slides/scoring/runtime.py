"""Level 2, run-time geometry: shape, overflow, overlap, bounds, clipping, type. All of it is measured."""

from math import exp, log

from environments.slides.measurement import HEIGHT, WIDTH, Box, Image, PageMeasurement, Word
from environments.slides.scoring.content import by_block
from environments.slides.scoring.ramp import ramp

_FULL = 0.7  # of the height: a page whose content fills this much is not called short
_AMPLE = 0.13  # of the slide's area: content that by its size takes this much fills as much of its height
_GROWTH = 0.6  # a page's height grows with its content's area to this power, as measured over honest pages
_SAFE = Box(16, 16, WIDTH - 32, HEIGHT - 32)
_BODY, _TITLE, _STEP = 18.0, 30.0, 1.2


def aspect(page: PageMeasurement) -> float:
    """exp(−16e² − 64·max(−e−0.04, 0)²), e = ln(height wanted / height): AeSlides' formula and constants.

    Too tall: the height with what is cut off, against 720. Too short: what content fills without
    stretching, against seven tenths of 720; and what it takes by its size, to which spreading adds nothing
    (all own).
    """
    tall = min(log(HEIGHT / max(page.full_height - 1, 1.0)), 0.0)
    short = max(log(HEIGHT * _FULL / max(page.natural_height, 1.0)), 0.0)
    little = max(_GROWTH * log(_AMPLE / max(page.amount, 1e-4)), 0.0)
    return min(map(_compliance, (tall, short, little)))  # a page can be all: spread beyond the edge


def _compliance(e: float) -> float:
    return exp(-16 * e**2 - 64 * max(-e - 0.04, 0) ** 2)


def overflow(page: PageMeasurement) -> float:
    """1 if nothing reaches over the slide's edges, 0 from 200 px (own choice)."""
    beyond = max(page.full_height - HEIGHT, 0) + max(page.full_width - WIDTH, 0)
    return ramp(beyond, 200, 1)


def overlap(page: PageMeasurement) -> float:
    """1 if no text lies on text or an image and no image on another, 0 from a tenth of their area (own)."""
    boxes = [image.box for image in page.images]
    crossed = sum(a.shared(b) for place, a in enumerate(boxes) for b in boxes[:place])
    crossed += sum(word.box.shared(box) for word in page.words for box in boxes)
    covered = sum(word.covered * word.box.area for word in page.words)
    area = sum(box.area for box in boxes) + sum(word.box.area for word in page.words)
    return ramp((covered + crossed) / area if area else 0.0, 0.1, 0.005)


def bounds(page: PageMeasurement) -> float:
    """Share of the text and images 16 px or more within the slide: 1 from 99 %, 0 to 80 % (own choice)."""
    parts: tuple[Word | Image, ...] = (*page.words, *page.images)
    boxes = [part.box for part in parts if part.box.area > 0]
    area = sum(box.area for box in boxes)
    return ramp(sum(box.shared(_SAFE) for box in boxes) / area, 0.8, 0.99) if area else 0.0


def clipping(page: PageMeasurement) -> float:
    """Share of the page's words that can be read on the slide: 1 if all, 0 to 80 % (own choice)."""
    whole = sum(word.inside for word in page.legible)
    return ramp(whole / len(page.words), 0.8, 1.0) if page.words else 0.0


def typography(page: PageMeasurement) -> float:
    """Mean of: words of 18 px or more, at most four sizes (0 from eight), a title above the rest (own)."""
    words = page.legible
    if not words:
        return 0.0
    large = sum(word.size >= _BODY for word in words) / len(words)
    sizes = {round(_height(block) / 2) for block in by_block(words)}
    return (large + ramp(len(sizes), 8, 4) + _title_leads(words)) / 3


def _title_leads(words: tuple[Word, ...]) -> float:
    title = [word for word in words if word.heading]
    body = [word for word in words if not word.heading]
    if not title or not body:
        return 0.0
    return float(_height(title) / 1.16 >= max(_TITLE, _STEP * _height(body) / 1.16))


def _height(words: list[Word]) -> float:
    """The median height of words."""
    heights = sorted(word.box.height for word in words)
    return heights[len(heights) // 2]
