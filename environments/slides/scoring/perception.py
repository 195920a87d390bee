"""Level 3, perception: whitespace, balance of mass, contrast, of text and images that can be seen."""

from math import hypot

import numpy as np

from environments.slides.measurement import HEIGHT, WIDTH, Box, PageMeasurement
from environments.slides.scoring.ramp import ramp

_CELL = 10
_REACH_X, _REACH_Y = 75, 100  # half of AeSlides' window, 151 × 201
_TOP, _REST = 0.15, 0.10  # AeSlides' crop
_LARGE, _ENOUGH, _ENOUGH_LARGE = 24.0, 4.5, 3.0  # WCAG 2.2, 1.4.3
_OFF = 0.22
_SCARCE, _AMPLE = 0.07, 0.13  # of the slide's area, as content takes it by its size alone


def whitespace(page: PageMeasurement) -> float:
    """Share of the slide's middle within reach of content: 1 from 37 %, 0 to 10 %.

    AeSlides' window and crop; it takes local deviation of grey for content, so a texture would be some.
    We take the boxes of what was read from pixels. The thresholds are our own: theirs (80 to 99.5 %) are
    for dense pages. The least of the page as written, unstretched and by amount counts: spreading fills
    nothing.
    """
    written, natural = _layouts(page)
    return min(_by_amount(page), *(ramp(_near(boxes), 0.1, 0.37) for boxes in (written, natural)))


def balance(page: PageMeasurement) -> float:
    """1 while the centre of mass is within 22 % of the slide's, 0 from 44 % (AeSlides' form, own scale).

    The least of the page as written, unstretched and by amount counts, as for whitespace.
    """
    return min(_by_amount(page), *(ramp(_off_centre(boxes), 2 * _OFF, _OFF) for boxes in _layouts(page)))


def contrast(page: PageMeasurement) -> float:
    """Share of words that reach WCAG AA as painted: 4.5, or 3 for 24 px and more."""
    if not page.words:
        return 0.0
    reached = sum(word.contrast >= (_ENOUGH_LARGE if word.size >= _LARGE else _ENOUGH) for word in page.words)
    return reached / len(page.words)


def _by_amount(page: PageMeasurement) -> float:
    """What is at most to be had with so much content: 1 from 13 % of the slide's area, 0 to 7 %."""
    return ramp(page.amount, _SCARCE, _AMPLE)


def _layouts(page: PageMeasurement) -> tuple[list[Box], list[Box]]:
    return [part.box for part in page.content], [part.natural for part in page.content]


def _off_centre(boxes: list[Box]) -> float:
    """Distance of the area-weighted centre from the slide's, as a share of its width and height."""
    area = sum(box.area for box in boxes)
    if not area:
        return 1.0
    across = sum((box.x + box.width / 2) * box.area for box in boxes) / area / WIDTH - 0.5
    down = sum((box.y + box.height / 2) * box.area for box in boxes) / area / HEIGHT - 0.5
    return hypot(across, down)


def _near(boxes: list[Box]) -> float:
    near = np.zeros((HEIGHT // _CELL, WIDTH // _CELL), dtype=bool)
    for box in boxes:
        left, right = _cells(box.x - _REACH_X), _cells(box.right + _REACH_X)
        top, bottom = _cells(box.y - _REACH_Y), _cells(box.bottom + _REACH_Y)
        near[top:bottom, left:right] = True
    rows, columns = near.shape
    side = round(columns * _REST)
    return float(near[round(rows * _TOP) : rows - round(rows * _REST), side : columns - side].mean())


def _cells(pixels: float) -> int:
    return max(round(pixels / _CELL), 0)
