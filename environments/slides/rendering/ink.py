"""What can be seen, read from pixels: a screenshot with text, one without, one without images too."""

from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from environments.slides.measurement import Box, Image, Word

Scalar = TypeVar("Scalar", bound=np.generic)
Pixels = NDArray[np.float32]  # of one number each
_CHANGED = 8  # levels of 255 below which two pixels count as equal


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Rows × columns × 3."""
    with Picture.open(BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"))


def luminance(rgb: NDArray[np.uint8]) -> Pixels:
    """Relative luminance, WCAG 2.2, of pixels along the last axis."""
    weights = (0.2126, 0.7152, 0.0722)
    linear = _linear()
    red, green, blue = (linear[rgb[..., place]] * weight for place, weight in enumerate(weights))
    return np.asarray(red + green + blue, dtype=np.float32)


@cache
def _linear() -> Pixels:
    """What each of the 256 levels of a channel is in linear light."""
    level = np.arange(256, dtype=np.float32) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)


def changed(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Rows × columns: where two screenshots differ visibly."""
    difference = np.maximum(one, other) - np.minimum(one, other)
    return np.asarray((difference > _CHANGED).any(axis=2))


def inked(words: tuple[Word, ...], shown: NDArray[np.uint8], bare: NDArray[np.uint8]) -> tuple[Word, ...]:
    """Each word with its ink, contrast and cover. `bare` is `shown` without text."""
    mask = changed(shown, bare)
    contrast = np.ones(mask.shape, dtype=np.float32)
    with_text, without = luminance(shown[mask]), luminance(bare[mask])
    contrast[mask] = (np.maximum(with_text, without) + 0.05) / (np.minimum(with_text, without) + 0.05)
    covers = _covers([word.box for word in words])
    return tuple(
        replace(
            word,
            ink=_share(mask, word.box),
            contrast=_contrast(contrast, mask, word.box),
            distinct=_distinct(shown, mask, word.box),
            covered=cover,
        )
        for word, cover in zip(words, covers, strict=True)
    )


def seen(images: tuple[Image, ...], shown: NDArray[np.uint8], bare: NDArray[np.uint8]) -> tuple[Image, ...]:
    """Each image with the share of its box that it paints. `bare` is `shown` without images."""
    mask = changed(shown, bare)
    return tuple(
        replace(image, shown=_share(mask, image.box) if _varied(shown, image.box) else 0.0)
        for image in images
    )


def _varied(shown: NDArray[np.uint8], box: Box) -> bool:
    """Whether there is a picture at all: a plain sheet in its place is none, whatever lies beneath."""
    inside = _cut(shown, box)
    return bool(inside.size and inside.mean(axis=2, dtype=np.float32).std() >= _CHANGED)


def _share(mask: NDArray[np.bool_], box: Box) -> float:
    """Of the whole box, also of what lies off the slide."""
    return float(_cut(mask, box).sum()) / box.area if box.area > 0 else 0.0


def _contrast(contrast: Pixels, mask: NDArray[np.bool_], box: Box) -> float:
    """Of the strokes' core: edges are blended with the ground."""
    inside = _cut(contrast, box)[_cut(mask, box)]
    return float(np.quantile(inside, 0.9)) if inside.size else 1.0


def _distinct(shown: NDArray[np.uint8], mask: NDArray[np.bool_], box: Box) -> float:
    """Contrast of a word's pixels with those between them, in the photograph that a person would look at."""
    inside = _cut(mask, box)
    if inside.all() or not inside.any():
        return 1.0
    around = luminance(_cut(shown, box))
    ground = float(np.median(around[~inside]))
    low, high = map(float, np.quantile(around[inside], (0.1, 0.9)))
    return max((high + 0.05) / (ground + 0.05), (ground + 0.05) / (low + 0.05))


def _cut(plane: NDArray[Scalar], box: Box) -> NDArray[Scalar]:
    left, top = max(round(box.x), 0), max(round(box.y), 0)
    return plane[top : max(round(box.bottom), top), left : max(round(box.right), left)]


def _covers(boxes: list[Box]) -> list[float]:
    """For each box the share of it that other boxes cover, overlaps counted as often as they occur."""
    if not boxes:
        return []
    edges = np.array([[box.x, box.y, box.right, box.bottom] for box in boxes], dtype=np.float32)
    low = np.maximum(edges[:, None, :2], edges[None, :, :2])
    high = np.minimum(edges[:, None, 2:], edges[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    np.fill_diagonal(shared, 0)
    areas = np.array([max(box.area, 1e-6) for box in boxes])
    return [float(value) for value in np.minimum(shared.sum(axis=1) / areas, 1.0)]
