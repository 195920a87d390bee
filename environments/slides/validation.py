"""Trials of decks in the real browser: the oracle's pages, none, and pages that show nothing they should."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from environments.slides.controls import CONTROLS, control_pages
from environments.slides.deck import Deck, PageBrief
from environments.slides.grading import Studio
from environments.slides.oracle import oracle
from environments.slides.rendering.pool import RenderPool
from environments.slides.settings import SlidesSettings
from environments.slides.tasks import load_tasks
from environments.slides.wiring import pool_of
from environments.validation.trials import NOOP, ORACLE

_UNLIKE = (PageBrief(title="one", points=("a",)), PageBrief(title="two", points=("b", "c")))


@dataclass(frozen=True)
class SlidesTrials:
    """Implements `environments.validation.trials.Trials`."""

    decks: Sequence[Deck]
    pool: RenderPool
    controls: Sequence[str] = tuple(CONTROLS)
    _common: dict[str, Studio] = field(default_factory=dict)

    @property
    def at_once(self) -> int:
        return self.pool.pages

    @property
    def tasks(self) -> Sequence[str]:
        return [deck.pages[0].title for deck in self.decks]

    async def reward(self, task: int, player: str) -> float:
        """Errors: Failure (sandbox) if the browser breaks."""
        deck = self.decks[task]
        pages: Mapping[int, str] = dict(enumerate(_pages(deck, player), 1))
        return (await self._studio(player).grade(deck, pages)).components["reward"]

    def _studio(self, player: str) -> Studio:
        """One that remembers what it rendered, where a control writes the same pages for every deck."""
        if player not in CONTROLS or len({CONTROLS[player](page) for page in _UNLIKE}) > 1:
            return Studio(self.pool)
        return self._common.setdefault(player, Studio(self.pool))


@asynccontextmanager
async def slides_trials(
    folder: Path, settings: SlidesSettings, first: int | None = None
) -> AsyncIterator[SlidesTrials]:
    """Errors: Refused if there is no Chromium or the decks cannot be read."""
    decks = load_tasks(folder).first(first).all()
    async with pool_of(settings) as pool:
        yield SlidesTrials(decks, pool)


def _pages(deck: Deck, player: str) -> tuple[str, ...]:
    if player == NOOP:
        return ()
    return oracle(deck) if player == ORACLE else control_pages(CONTROLS[player], deck)
