"""The reward of a deck: on each page, how much of its content is there, times how well it is laid out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from environments.slides.deck import Deck, PageBrief
from environments.slides.markup import parse
from environments.slides.measurement import HEIGHT, PageMeasurement
from environments.slides.scoring import perception, runtime, static
from environments.slides.scoring.content import content, economy, filling

WEIGHTS: Mapping[str, int] = {
    "structure": 1,
    "colour": 1,
    "spacing": 1,
    "images": 1,
    "economy": 1,
    "typography": 2,
    "aspect": 3,
    "overflow": 2,
    "overlap": 2,
    "bounds": 1,
    "clipping": 2,
    "whitespace": 2,
    "balance": 1,
    "contrast": 2,
}
COMPONENTS = ("reward", "content", *WEIGHTS)


@dataclass(frozen=True)
class PageScore:
    """One page's components, each from 0 to 1."""

    content: float
    layout: Mapping[str, float]

    @property
    def total(self) -> float:
        """Content times the weighted mean of the layout: an empty page is worth nothing, however fine."""
        weighted = fsum(WEIGHTS[name] * value for name, value in self.layout.items())
        return self.content * weighted / sum(WEIGHTS.values())


NOTHING = PageScore(0.0, dict.fromkeys(WEIGHTS, 0.0))


def score_page(brief: PageBrief, html: str, page: PageMeasurement) -> PageScore:
    """One rendered page against what it must say."""
    markup, filled = parse(html), filling(brief, page)
    layout = {
        "structure": static.structure(markup, page),
        "colour": static.colour(page),
        "spacing": static.spacing(page),
        "images": static.images(brief, page),
        "economy": economy(brief, page),
        "typography": runtime.typography(page),
        "aspect": runtime.aspect(filled),
        "overflow": runtime.overflow(page),
        "overlap": runtime.overlap(page),
        "bounds": runtime.bounds(page),
        "clipping": runtime.clipping(page),
        "whitespace": perception.whitespace(filled),
        "balance": perception.balance(filled),
        "contrast": perception.contrast(page),
    }
    return PageScore(content(brief, page), layout)


def components(deck: Deck, pages: Sequence[PageScore]) -> dict[str, float]:
    """Means over the pages asked for, or over those written if these are more. `pages` is in their order."""
    count = max(len(deck.pages), len(pages))
    asked = pages[: len(deck.pages)]
    means = {name: fsum(page.layout[name] for page in asked) / count for name in WEIGHTS}
    return {
        "reward": fsum(page.total for page in asked) / count,
        "content": fsum(page.content for page in asked) / count,
        **means,
    }


def labels(html: str, page: PageMeasurement) -> set[str]:
    """Suspicions about a page, for whoever reads the rollout; none of them changes the reward."""
    suspicions = {
        "hidden_text": len(page.legible) < 0.8 * len(page.words),
        "asks_the_network": bool(page.refused),
        "forbidden_markup": any("not allowed" in fault for fault in parse(html).faults),
        "stacked_text": any(word.covered > 0.5 for word in page.words),
        "cut_off": page.full_height > HEIGHT + 1,
    }
    return {name for name, suspected in suspicions.items() if suspected}
