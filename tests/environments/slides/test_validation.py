"""Rewards that hold: the oracle scores full, nothing and every control score nothing."""

from itertools import islice

import pytest

from environments.slides.controls import CONTROLS
from environments.slides.rendering.pool import RenderPool
from environments.slides.tasks import SlidesTasks
from environments.slides.validation import SlidesTrials
from environments.validation.validate import validate
from environments.validation.validation import Validation

pytestmark = pytest.mark.chromium


async def test_oracle_and_nothing_over_one_deck_of_each_form(pool: RenderPool, tasks: SlidesTasks) -> None:
    decks = tuple(islice(tasks.splits["evaluation"], 4))
    assert {deck.form for deck in decks} == {"card", "page", "picture", "deck"}
    assert await validate(SlidesTrials(decks, pool), ()) == Validation(4, oracle_full=4, played=8)


async def test_each_control_scores_what_nothing_scores(pool: RenderPool, tasks: SlidesTasks) -> None:
    assert len(CONTROLS) >= 20
    trials = SlidesTrials(tasks.splits["train"][2:3], pool)
    assert await validate(trials) == Validation(1, oracle_full=1, played=2 + len(CONTROLS))
