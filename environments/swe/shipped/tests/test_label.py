# mypy: ignore-errors
"""What labels do."""

import pytest
from larder.label import code, label, same


def test_labels() -> None:
    assert label(" fig ", 5) == " FIG "
    assert label("gooseberry", 6) == "GOOSE."
    assert label("plum", 4) == "PLUM"
    assert label("go", 2) == "GO"


def test_labels_have_a_width() -> None:
    with pytest.raises(ValueError, match="narrow"):
        label("fig", 1)


def test_codes() -> None:
    assert code("plum", 7) == "PLM007"
    assert code("aioli 2", 999) == "LXX999"
    assert code("gooseberry", 0) == "GSB000"


@pytest.mark.parametrize("day", [-1, 1000])
def test_codes_have_a_day(day: int) -> None:
    with pytest.raises(ValueError, match="no such day"):
        code("plum", day)


def test_compares() -> None:
    assert same("PLM007", "PLM014")
    assert not same("PLM007", "PLM015")
    assert not same("PLM007", "FGX007")
