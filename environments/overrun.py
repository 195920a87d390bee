"""What becomes of a rollout whose agent filled its box beyond its size: no failure, no other attempt."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from environments.ending import Ending
from environments.family import Scored
from services.contracts.cause import Cause
from services.sandbox.port import BoxOverrun

LABEL: Final = "box_overrun"


class Overran(Exception):
    """The box was overrun while it was the agent's, or by what the agent left in it."""


@contextmanager
def of_the_agent() -> Iterator[None]:
    """Whoever overruns the box in here is the agent. Errors: Overran."""
    try:
        yield
    except BoxOverrun as error:
        raise Overran(error.detail) from error


def overran(why: Overran, components: tuple[str, ...]) -> Scored:
    """Out of budget, scored 0 and labelled."""
    ending = Ending(Cause.BUDGET, "space", words=str(why))
    details = {**ending.details, "said": ending.words}
    return Scored(Cause.BUDGET, 0.0, dict.fromkeys(components, 0.0), details, labels=(LABEL,))
