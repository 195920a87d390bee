"""What was measured of one rendered page: frozen data, in CSS pixels from the slide's top left corner."""

from collections.abc import Iterable
from dataclasses import dataclass

WIDTH, HEIGHT = 1280, 720
TALLEST = 2 * HEIGHT  # what lies lower is not looked at
_LEAST_SIZE = 14.0
_LEAST_CONTRAST = 2.0
_LEAST_INK = 0.03
_LEAST_OPACITY = 0.3
_MOST_COVERED = 0.3
_SPACE, _LEADING = 16.0, 32.0  # what a word or an image may claim beside and below itself, in pixels


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def area(self) -> float:
        return self.width * self.height

    def shared(self, other: "Box") -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(width, 0.0) * max(height, 0.0)


SLIDE = Box(0, 0, WIDTH, HEIGHT)
_NOWHERE = Box(0, 0, 0, 0)


@dataclass(frozen=True)
class Word:
    """A word of the page's text. `contrast` (WCAG) and `ink` (its share of the box) are read from pixels.

    `distinct` is its contrast with the pixels between its strokes, `type_size` what the browser computes.
    `block` numbers the block of text it stands in; `covered` is the share of its box under other words;
    `natural` is where it stands once nothing stretches, cuts or spreads the page.
    """

    text: str
    box: Box
    block: int
    heading: bool
    opacity: float
    type_size: float = float("inf")
    contrast: float = 1.0
    distinct: float = 1.0
    ink: float = 0.0
    covered: float = 0.0
    natural: Box = _NOWHERE

    @property
    def inside(self) -> bool:
        """Whether it stands on the slide and not over its edges."""
        return self.box.shared(SLIDE) >= 0.9 * self.box.area

    @property
    def size(self) -> float:
        """The type size as painted, whatever made it so: scaling and squeezing count, declarations do not."""
        widest = self.box.width / (0.2 * max(len(self.text), 1))
        return min(self.box.height / 1.16, widest, self.type_size)

    @property
    def claim(self) -> float:
        """The area that it takes with bounded space around it, wherever it stands, however it is spread."""
        length = min(max(box.width, box.height) for box in (self.box, self.natural))
        return (length + _SPACE) * (1.16 * self.size + _LEADING)

    @property
    def legible(self) -> bool:
        """Whether a person in front of the slide can read it."""
        stands_out = min(self.contrast, self.distinct) >= _LEAST_CONTRAST
        seen = self.opacity >= _LEAST_OPACITY and self.ink >= _LEAST_INK and stands_out
        return seen and self.size >= _LEAST_SIZE and self.covered <= _MOST_COVERED


@dataclass(frozen=True)
class Image:
    """An `img` element. `shown` is the share of its box whose pixels it decides."""

    source: str
    box: Box
    natural_width: float
    natural_height: float
    opacity: float
    shown: float = 0.0
    natural: Box = _NOWHERE

    @property
    def claim(self) -> float:
        """As a word's."""
        return (self.box.width + _SPACE) * (self.box.height + _LEADING)

    @property
    def visible(self) -> bool:
        large_enough = min(self.box.width, self.box.height) >= 64
        return (
            self.natural_width > 0 and large_enough and self.opacity >= _LEAST_OPACITY and self.shown >= 0.5
        )


@dataclass(frozen=True)
class PageMeasurement:
    """One page at 1280×720. `full_*`: its extent together with what it cuts off.

    `colours` counts those in use, `spaces` are margins, paddings and gaps.
    `refused`: what it asked the network for and did not get.
    """

    words: tuple[Word, ...]
    images: tuple[Image, ...]
    full_width: float
    full_height: float
    colours: int = 0
    spaces: tuple[float, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def legible(self) -> tuple[Word, ...]:
        return tuple(word for word in self.words if word.legible)

    @property
    def content(self) -> tuple[Word | Image, ...]:
        """Text and images that can be seen: nothing else is content, however it is painted."""
        return (*self.legible, *(image for image in self.images if image.visible))

    @property
    def amount(self) -> float:
        """The share of the slide that content takes by its size alone: no arrangement makes it more."""
        return sum(part.claim for part in self.content) / SLIDE.area

    @property
    def natural_height(self) -> float:
        """How much of the height content fills by itself."""
        return occupied(part.natural for part in self.content)


def occupied(boxes: Iterable[Box], reach: float = 40.0) -> float:
    """Height that is filled if each box fills `reach` pixels above and below itself."""
    spans = sorted((max(box.y - reach, 0.0), box.bottom + reach) for box in boxes if box.area > 0)
    total, end = 0.0, 0.0
    for top, bottom in spans:
        total += max(bottom - max(top, end), 0.0)
        end = max(end, bottom)
    return total
