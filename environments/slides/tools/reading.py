"""How measurements read to the agent."""

from environments.slides.markup import parse
from environments.slides.measurement import HEIGHT, WIDTH, Box, PageMeasurement, Word
from environments.slides.scoring.content import by_block

_SHOWN = 40


def render_text(html: str, page: PageMeasurement) -> str:
    """A sentence for each fact that counts, then each fault."""
    lines = [
        f"Content {page.full_width:.0f}×{page.full_height:.0f} px on a slide of {WIDTH}×{HEIGHT}.",
        f"Unstretched, content fills {page.natural_height:.0f} px of the height.",
        f"{len(page.legible)} of {len(page.words)} words can be read.",
        f"{sum(image.visible for image in page.images)} of {len(page.images)} images can be seen.",
    ]
    faults = [*parse(html).faults, *(f"refused: {address}" for address in page.refused)]
    unread = [word for word in page.words if not word.legible][:_SHOWN]
    faults += [f"cannot be read: {word.text} ({_why(word)})" for word in unread]
    return "\n".join([*lines, *(f"Fault: {fault}" for fault in faults[:_SHOWN])])


def measurements_text(page: PageMeasurement) -> str:
    """One line for each block of text and each image."""
    blocks = [_block(words) for words in by_block(page.words)]
    images = [f"image {image.source[:80]} at {_place(image.box)}" for image in page.images]
    return "\n".join([*blocks, *images][:_SHOWN]) or "The page has no text and no image."


def _block(words: list[Word]) -> str:
    left, top = min(word.box.x for word in words), min(word.box.y for word in words)
    width = max(word.box.right for word in words) - left
    height = max(word.box.bottom for word in words) - top
    text = " ".join(word.text for word in words)[:80]
    contrast = min(word.contrast for word in words)
    size = f"type {min(word.size for word in words):.0f} px, contrast {contrast:.1f}"
    return f"text {text!r} at {_place(Box(left, top, width, height))}, {size}"


def _place(box: Box) -> str:
    return f"x {box.x:.0f}, y {box.y:.0f}, {box.width:.0f}×{box.height:.0f} px"


def _why(word: Word) -> str:
    if word.box.area == 0 or word.opacity == 0:
        return "hidden"
    if word.size < 14:
        return f"painted {word.size:.0f} px large"
    if word.covered > 0.3:
        return "under other text"
    return "outside, behind something, or without contrast"
