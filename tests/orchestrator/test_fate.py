"""A group is over as soon as nothing can change what becomes of it, and no sooner."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.fate import Grouping, fate, replaced
from orchestrator.repair import repeats


@given(st.integers(1, 16), st.integers(0, 8), st.data())
def test_a_fate_is_sealed_exactly_when_no_ending_could_change_it(
    size: int, extra: int, data: st.DataObject
) -> None:
    live = data.draw(st.integers(0, size + extra))
    valid = data.draw(st.integers(0, min(size, size + extra - live)))
    best, worst = min(size, valid + live), valid
    match fate(valid, live, size):
        case "complete":
            assert live == 0
        case "enough":
            assert valid >= size
        case "doomed":
            assert repeats(best, size) is None
        case "wait":
            assert worst < size
            assert repeats(best, size) is not None


def test_a_group_that_teaches_nothing_is_replaced_if_the_setting_says_so() -> None:
    replacing = Grouping(no_variance="replace")
    assert replaced([1.0, 1.0], 2, replacing)
    assert not replaced([1.0, 0.0], 2, replacing)
    assert not replaced([1.0, 1.0], 2, Grouping())
    assert not replaced([1.0], 1, replacing)


def test_a_group_costs_one_or_its_tokens() -> None:
    assert Grouping().cost(10_000) == 1.0
    assert Grouping(tokens_per_unit=4096).cost(8192) == 2.0
