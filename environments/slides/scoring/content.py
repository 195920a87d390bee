"""How much of what a page must say can be read and seen on it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from environments.slides.deck import PageBrief
from environments.slides.measurement import PageMeasurement, Word
from environments.slides.scoring.ramp import ramp

_LEAST = 0.75  # of a text's words, in order and side by side; less is not that text
_INNER = re.compile(r"\w(?:.*\w)?", re.DOTALL)


def content(brief: PageBrief, page: PageMeasurement) -> float:
    """Mean over title, points and images. Only legible words in one block of text make a text.

    What hangs over the slide's edge counts half: less than what is on it, more than what is hidden (own).
    """
    blocks = by_block(page.legible)
    texts = [_found(text, blocks) for text in brief.texts]
    shown = {image.source for image in page.images if image.visible}
    parts = [*texts, *(float(image in shown) for image in brief.images)]
    return sum(parts) / len(parts)


def economy(brief: PageBrief, page: PageMeasurement) -> float:
    """1 up to half as many words again as asked for, 0 at three times; less for repeated blocks (own)."""
    asked = sum(len(text.split()) for text in brief.texts)
    blocks = [tuple(plain(word.text) for word in block) for block in by_block(page.words)]
    repeated = sum(len(block) for place, block in enumerate(blocks) if block in blocks[:place])
    return ramp(len(page.words) / asked, 3.0, 1.5) * max(1 - repeated / max(len(page.words), 1), 0.0)


def filling(brief: PageBrief, page: PageMeasurement) -> PageMeasurement:
    """The page with only what fills it rightly: legible words as often as asked for, images asked for.

    Repetitions, filler and made-up images make a page neither fuller nor better balanced.
    """
    left = Counter(plain(word) for text in brief.texts for word in text.split())
    words = []
    for word in page.legible:
        if left[plain(word.text)] > 0:
            left[plain(word.text)] -= 1
            words.append(word)
    images = {one.source: one for one in page.images if one.visible and one.source in brief.images}
    return replace(page, words=tuple(words), images=tuple(images.values()))


def by_block(words: Iterable[Word]) -> list[list[Word]]:
    blocks: dict[int, list[Word]] = {}
    for word in words:
        blocks.setdefault(word.block, []).append(word)
    return list(blocks.values())


def plain(text: str) -> str:
    """A word without case and the punctuation around it."""
    found = _INNER.search(text.casefold())
    return found[0] if found else ""


def _found(text: str, blocks: Iterable[Sequence[Word]]) -> float:
    """The largest share of the text's words that stands somewhere in order, 0 below `_LEAST`."""
    wanted = [plain(word) for word in text.split()]
    return max((_window(wanted, block) for block in blocks), default=0.0)


def _window(wanted: Sequence[str], block: Sequence[Word]) -> float:
    best = 0.0
    for start in range(max(len(block) - len(wanted) + 1, 1)):
        pairs = zip(wanted, block[start:], strict=False)
        met = [word for asked, word in pairs if plain(word.text) == asked]
        if len(met) >= _LEAST * len(wanted):
            best = max(best, sum(1.0 if word.inside else 0.5 for word in met) / len(wanted))
    return best
