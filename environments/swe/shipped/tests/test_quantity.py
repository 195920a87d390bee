# mypy: ignore-errors
"""What quantities do."""

import pytest
from larder.quantity import Quantity, parse, show


def test_adds_and_subtracts() -> None:
    assert Quantity(2) + Quantity(3) == Quantity(5)
    assert Quantity(5) - Quantity(5) == Quantity(0)


def test_takes_no_more_than_there_is() -> None:
    with pytest.raises(ValueError, match="not enough"):
        Quantity(1) - Quantity(2)


@pytest.mark.parametrize(("text", "grams"), [("2 kg", 2000), (" 15 g", 15), ("0 g", 0), ("500 mg", 0.5)])
def test_parses(text: str, grams: float) -> None:
    assert parse(text).grams == grams


@pytest.mark.parametrize("text", ["2 stone", "-1 g", "2"])
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse(text)


def test_shows() -> None:
    assert [show(Quantity(grams)) for grams in (999, 1000, 1500)] == ["999 g", "1 kg", "1.5 kg"]


def test_portions() -> None:
    assert Quantity(100).portions(Quantity(30)) == 3
    with pytest.raises(ValueError, match="more than nothing"):
        Quantity(100).portions(Quantity(0))
