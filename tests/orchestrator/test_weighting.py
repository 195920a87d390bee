"""Shares: by policy, within their bounds, and always of one whole."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.weighting import Contender, Policy, Weighting, portions

bounds = st.tuples(st.floats(0.0, 1.0), st.floats(0.001, 1.0)).map(sorted)


@st.composite
def contenders(draw: st.DrawFn) -> list[Contender]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        low, high = draw(bounds)
        found.append(
            Contender(
                name=f"e{number}",
                share=draw(st.sampled_from([0.0, 0.01, 1.0, 3.0, 100.0])),
                tasks=draw(st.integers(1, 100_000)),
                spread=draw(st.none() | st.floats(0.0, 1.0)),
                min_share=low,
                max_share=max(high, 0.001),
            )
        )
    return found


policies = st.sampled_from(["fixed", "tasks", "progress"])


@given(contenders(), policies, st.floats(0.2, 10.0))
def test_shares_make_one_whole_and_keep_their_bounds_if_they_can(
    found: list[Contender], policy: Policy, temperature: float
) -> None:
    shares = portions(found, Weighting(policy, temperature))
    weighed = [contender for contender in found if contender.share > 0]
    assert sum(shares.values()) == pytest.approx(1.0 if weighed else 0.0)
    assert all(shares[contender.name] == 0.0 for contender in found if contender.share == 0)
    least, most = sum(c.min_share for c in weighed), sum(c.max_share for c in weighed)
    if weighed and least <= 1.0 <= most:
        for contender in weighed:
            assert contender.min_share - 1e-9 <= shares[contender.name] <= contender.max_share + 1e-9


@given(contenders(), st.integers(0, 5), st.floats(1.1, 5.0))
def test_a_greater_weight_never_gets_less(found: list[Contender], which: int, factor: float) -> None:
    raised = which % len(found)
    more = [
        Contender(**{**vars(contender), "share": contender.share * factor}) if i == raised else contender
        for i, contender in enumerate(found)
    ]
    name = f"e{raised}"
    assert portions(more, Weighting())[name] >= portions(found, Weighting())[name] - 1e-9


def test_the_policies() -> None:
    found = [Contender("big", 1.0, 10_000, 0.0), Contender("small", 1.0, 100, 0.45)]
    assert portions(found, Weighting())["big"] == pytest.approx(0.5)
    assert portions(found, Weighting("tasks"))["big"] == pytest.approx(10_000 / 10_100)
    assert portions(found, Weighting("tasks", 2.0))["big"] == pytest.approx(100 / 110)
    assert portions(found, Weighting("tasks", math.inf))["big"] == pytest.approx(0.5)
    assert portions(found, Weighting("progress", floor=0.05))["big"] == pytest.approx(0.05 / 0.55)
    new = [*found, Contender("new", 1.0, 1, None)]
    shares = portions(new, Weighting("progress"))
    assert shares["new"] == pytest.approx(shares["small"])


def test_what_bounds_leave_goes_to_the_others_by_weight() -> None:
    found = [
        Contender("a", 6.0, 1, max_share=0.3),
        Contender("b", 2.0, 1),
        Contender("c", 1.0, 1),
        Contender("d", 1.0, 1, min_share=0.25),
    ]
    shares = portions(found, Weighting())
    assert shares == pytest.approx({"a": 0.3, "b": 0.3, "c": 0.15, "d": 0.25})
