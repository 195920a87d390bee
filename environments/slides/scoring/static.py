"""Level 1, static markup: structure, colour, spacing, images. Kinds as in the report; thresholds are ours."""

from collections import Counter

from environments.slides.deck import PageBrief
from environments.slides.markup import Markup
from environments.slides.measurement import PageMeasurement
from environments.slides.scoring.ramp import ramp

_WIDEST = 120.0
_DISTORTED = 1.15


def structure(markup: Markup, page: PageMeasurement) -> float:
    """A quarter less for each fault of the source, and for not having exactly one h1."""
    faults = len(markup.faults) + (markup.elements["h1"] != 1) + (len(page.refused) > 0)
    return max(1 - faults / 4, 0.0)


def colour(page: PageMeasurement) -> float:
    """1 up to six colours in use, 0 from sixteen."""
    return ramp(page.colours, 16, 6)


def spacing(page: PageMeasurement) -> float:
    """Share of margins, paddings and gaps between 0 and 120 px; a negative one counts four times."""
    bad = sum(4 if space < 0 else space > _WIDEST for space in page.spaces)
    return max(1 - bad / max(len(page.spaces), 1), 0.0)


def images(brief: PageBrief, page: PageMeasurement) -> float:
    """1 less a half for each image that is made up, shown twice, not asked for, distorted or missing."""
    counted = Counter(image.source for image in page.images)
    faults = sum(source not in brief.images for source in counted)
    faults += sum(count - 1 for count in counted.values())
    faults += sum(image not in counted for image in brief.images)
    faults += sum(_distorted(page, source) for source in counted)
    return max(1 - faults / 2, 0.0)


def _distorted(page: PageMeasurement, source: str) -> bool:
    """Whether an image stretches by more than 15 % against its own shape."""
    for image in page.images:
        if (
            image.source == source
            and image.natural_height > 0
            and image.box.height > 0
            and image.box.width > 0
        ):
            stretch = image.box.width / image.box.height * image.natural_height / image.natural_width
            if max(stretch, 1 / stretch) > _DISTORTED:
                return True
    return False
