# mypy: ignore-errors
"""What recipes do."""

import pytest
from larder.recipe import best, missing, pages, scaled

PIE = {"flour": 3, "plum": 4}
JAM = {"plum": 6, "sugar": 2}


def test_scales_up_and_rounds_up() -> None:
    assert scaled(PIE, 4, 4) == PIE
    assert scaled(PIE, 5, 4) == {"flour": 4, "plum": 5}


@pytest.mark.parametrize(("people", "serves"), [(0, 1), (1, 0)])
def test_scales_for_somebody(people: int, serves: int) -> None:
    with pytest.raises(ValueError, match="one person"):
        scaled(PIE, people, serves)


def test_misses() -> None:
    assert missing(PIE, {"flour": 3, "plum": 1}) == {"plum": 3}
    assert missing(PIE, {}) == PIE


def test_finds_the_best() -> None:
    recipes = {"pie": PIE, "jam": JAM}
    assert best(recipes, {"plum": 6, "sugar": 2}) == "jam"
    assert best(recipes, {"plum": 9}) == "jam"
    assert best(recipes, {"plum": 4}) == "pie"
    assert best(recipes, {}) is None


def test_pages() -> None:
    assert pages(["a", "b", "c"], 2) == [["a", "b"], ["c"]]
    assert pages([], 2) == []
    assert pages(["a"], 1) == [["a"]]
    with pytest.raises(ValueError, match="at least one"):
        pages(["a"], 0)
