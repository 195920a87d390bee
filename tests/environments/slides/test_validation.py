"""Rewards that hold: the oracle scores full, nothing and every control score nothing."""

from itertools import islice

import pytest

from environments.slides.controls import CONTROLS
from environments.slides.rendering.pool import RenderPool
from environments.slides.tasks import SlidesTasks
from environments.slides.validation import Validation, validate

pytestmark = pytest.mark.chromium


async def test_oracle_and_nothing_over_one_deck_of_each_form(pool: RenderPool, tasks: SlidesTasks) -> None:
    decks = tuple(islice(tasks.splits["evaluation"], 4))
    assert {deck.form for deck in decks} == {"card", "page", "picture", "deck"}
    assert await validate(decks, pool, ()) == Validation(4, oracle_full=4, noop_full=0, controls_full=0)


async def test_each_control_scores_what_nothing_scores(pool: RenderPool, tasks: SlidesTasks) -> None:
    assert len(CONTROLS) >= 20
    decks = tasks.splits["train"][2:3]
    assert await validate(decks, pool) == Validation(1, oracle_full=1, noop_full=0, controls_full=0)
