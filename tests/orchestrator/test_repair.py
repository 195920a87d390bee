"""Group repair: evenly, the same every time, and only with more than half of a group."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.repair import repeats


@given(st.integers(1, 64), st.data())
def test_repair(size: int, data: st.DataObject) -> None:
    valid = data.draw(st.integers(0, size))
    counts = repeats(valid, size)
    if 2 * valid <= size:
        assert counts is None
        return
    assert counts is not None
    assert len(counts) == valid
    assert sum(counts) == size
    assert min(counts) >= 1
    assert max(counts) - min(counts) <= 1
    assert counts == tuple(sorted(counts, reverse=True))


def test_examples() -> None:
    assert repeats(8, 8) == (1,) * 8
    assert repeats(5, 8) == (2, 2, 2, 1, 1)
    assert repeats(4, 8) is None
