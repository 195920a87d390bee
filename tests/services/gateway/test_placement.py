"""Consistent hashing with bounded load."""

from collections import Counter
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.placement import SLACK, Placements

ENGINES = ["a", "b", "c", "d"]


@given(st.sets(st.text(max_size=8), max_size=200))
def test_no_engine_is_placed_on_above_the_bound(keys: set[str]) -> None:
    placements = Placements()
    for placed, key in enumerate(sorted(keys)):
        engine = placements.engine_for(key, ENGINES)
        assert placements.loads[engine] <= ceil(SLACK * (placed + 1) / len(ENGINES))
    assert sum(placements.loads.values()) == len(keys)


@given(st.sets(st.text(max_size=8), min_size=1, max_size=60), st.sampled_from(ENGINES))
def test_only_the_rollouts_of_a_lost_engine_move(keys: set[str], lost: str) -> None:
    placements = Placements()
    before = {key: placements.engine_for(key, ENGINES) for key in keys}
    left = [engine for engine in ENGINES if engine != lost]
    after = {key: placements.engine_for(key, left) for key in keys}
    assert {key for key in keys if before[key] != after[key]} == {key for key in keys if before[key] == lost}
    assert placements.loads == Counter(after.values()) + Counter()
    assert all(placements.engine_for(key, ENGINES) == after[key] for key in keys)


def test_a_first_placement_is_the_same_after_a_restart() -> None:
    keys = [f"{i:032x}" for i in range(40)]
    one, two = Placements(), Placements()
    assert [one.engine_for(k, ENGINES) for k in keys] == [two.engine_for(k, ENGINES) for k in keys]
    assert Placements().engine_for("key", ENGINES, before="c") == "c"


def test_a_released_rollout_weighs_nothing() -> None:
    placements = Placements()
    shown: dict[str, int] = {}
    placements.shown_by(shown.__setitem__)
    engine = placements.engine_for("key", ENGINES)
    placements.release("key")
    placements.release("key")
    assert placements.loads[engine] == shown[engine] == 0
