# mypy: ignore-errors
"""What shelves do."""

import pytest
from larder.shelf import Shelf


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf(room=5)
    shelf.put("plum", 2, 10)
    shelf.put("fig", 1, 10)
    return shelf


def test_keeps_the_earlier_day(shelf: Shelf) -> None:
    shelf.put("plum", 1, 4)
    assert shelf.jars["plum"] == (3, 4)


def test_has_no_more_room(shelf: Shelf) -> None:
    shelf.put("pear", 2, 1)
    with pytest.raises(ValueError, match="full"):
        shelf.put("pear", 1, 1)


@pytest.mark.parametrize("count", [0, -1])
def test_puts_at_least_one(shelf: Shelf, count: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        shelf.put("pear", count, 1)


def test_takes(shelf: Shelf) -> None:
    assert shelf.take("plum") == 1
    assert shelf.take("plum") == 0
    assert "plum" not in shelf.jars
    with pytest.raises(KeyError):
        shelf.take("plum")


def test_knows_what_is_spoiled(shelf: Shelf) -> None:
    assert shelf.spoiled(10) == []
    assert shelf.spoiled(11) == ["fig", "plum"]


def test_knows_what_to_eat(shelf: Shelf) -> None:
    assert shelf.next_to_eat() == "fig"
    shelf.put("pear", 1, 9)
    assert shelf.next_to_eat() == "pear"
    assert Shelf(1).next_to_eat() is None
