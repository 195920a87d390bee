"""Renders a deck's pages and scores them; pages that are equal are rendered once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from environments.slides.deck import Deck
from environments.slides.rendering.pool import RenderPool
from environments.slides.rendering.rendered import Rendered
from environments.slides.reward import NOTHING, PageScore, components, labels, score_page
from services.kit.failure import Refused


@dataclass(frozen=True)
class Graded:
    """A deck's components; by page number its screenshots and why pages could not be rendered; suspicions."""

    components: dict[str, float]
    screenshots: Mapping[int, bytes]
    refusals: Mapping[int, str]
    labels: tuple[str, ...] = ()


@dataclass
class Studio:
    """One rollout's pages in the shared pool."""

    pool: RenderPool
    _rendered: dict[str, Rendered] = field(default_factory=dict)

    async def render(self, html: str) -> Rendered:
        """Errors: Refused (the page's fault), Failure (sandbox)."""
        if html not in self._rendered:
            self._rendered[html] = await self.pool.render(html)
        return self._rendered[html]

    async def grade(self, deck: Deck, pages: Mapping[int, str]) -> Graded:
        """`pages` by number, from 1. A page that was not written or cannot be rendered scores nothing.

        Errors: Failure (sandbox) if the browser breaks.
        """
        scores, screenshots, refusals = list[PageScore](), dict[int, bytes](), dict[int, str]()
        suspicions = set[str]()
        for number in range(1, max([len(deck.pages), *pages]) + 1):
            score = NOTHING
            if number in pages and number <= len(deck.pages):
                try:
                    rendered = await self.render(pages[number])
                    screenshots[number] = rendered.screenshot
                    suspicions |= labels(pages[number], rendered.measurement)
                    score = score_page(deck.pages[number - 1], pages[number], rendered.measurement)
                except Refused as refused:
                    refusals[number] = refused.detail
            scores.append(score)
        return Graded(components(deck, scores), screenshots, refusals, tuple(sorted(suspicions)))
