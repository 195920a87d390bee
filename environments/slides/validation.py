"""Grades every deck with the oracle's pages, with none and with every control, in the real browser."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from environments.slides.controls import CONTROLS, control_pages
from environments.slides.deck import Deck
from environments.slides.grading import Studio
from environments.slides.oracle import oracle
from environments.slides.rendering.pool import RenderPool


@dataclass(frozen=True)
class Validation:
    """How many decks there are, and how many the oracle gets 1 for, and nothing or a control more than 0.

    `noop_full`, `controls_full` and `leftovers` must be 0: what shows nothing must score nothing.
    """

    tasks: int
    oracle_full: int
    noop_full: int
    controls_full: int
    leftovers: int = 0

    @property
    def holds(self) -> bool:
        """Whether every deck is fit to train on."""
        nothing_scores = not (self.noop_full or self.controls_full or self.leftovers)
        return nothing_scores and self.oracle_full == self.tasks


async def validate(decks: Iterable[Deck], pool: RenderPool, controls: Iterable[str] = CONTROLS) -> Validation:
    """Errors: Failure (sandbox) if the browser breaks."""
    names, found = tuple(controls), tuple(decks)
    graders = asyncio.Queue[Deck]()
    for deck in found:
        graders.put_nowait(deck)
    counts: list[tuple[bool, bool, int]] = []

    async def work() -> None:
        while not graders.empty():
            counts.append(await _graded(graders.get_nowait(), pool, names))

    async with asyncio.TaskGroup() as group:
        for _ in range(pool.pages):
            group.create_task(work())
    full, noop, worth = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0, 0)
    return Validation(len(found), full, noop, worth)


async def _graded(deck: Deck, pool: RenderPool, names: Iterable[str]) -> tuple[bool, bool, int]:
    """Whether the oracle is full, whether nothing scores, how many controls score."""
    full = await _reward(deck, pool, oracle(deck)) == 1.0
    worth = 0
    for name in names:
        worth += await _reward(deck, pool, control_pages(CONTROLS[name], deck)) > 0.0
    return full, (await Studio(pool).grade(deck, {})).components["reward"] > 0.0, worth


async def _reward(deck: Deck, pool: RenderPool, pages: tuple[str, ...]) -> float:
    by_number: Mapping[int, str] = dict(enumerate(pages, 1))
    return (await Studio(pool).grade(deck, by_number)).components["reward"]
