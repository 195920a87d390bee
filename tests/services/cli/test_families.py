"""Which families a run trains on, and their shares."""

from pathlib import Path

import pytest

from services.cli import families
from services.cli.families import FAMILIES, UnknownFamily, chosen, lacking, shares_of


def test_families_are_named_in_their_own_order() -> None:
    assert chosen("all") == tuple(FAMILIES) == ("terminal", "search", "swe", "slides")
    assert chosen("search, terminal,search") == ("terminal", "search")


@pytest.mark.parametrize("text", ["", ",", "terminal,web"])
def test_what_is_no_family_is_refused(text: str) -> None:
    with pytest.raises(UnknownFamily, match="choose among terminal"):
        chosen(text)


def test_shares_asked_for_are_kept_and_the_rest_divide_what_is_left() -> None:
    names = ("terminal", "search", "swe")
    assert shares_of(names, []) == pytest.approx({"terminal": 16 / 19, "search": 2 / 19, "swe": 1 / 19})
    asked = {"terminal": 0.3 * 16 / 17, "search": 0.7, "swe": 0.3 / 17}
    assert shares_of(names, ["search=0.7"]) == pytest.approx(asked)
    assert shares_of(("terminal", "swe"), ["terminal=3", "swe=1"]) == {"terminal": 0.75, "swe": 0.25}


@pytest.mark.parametrize(
    "asked", [["swe=0.2"], ["web=0.1"], ["terminal"], ["terminal=0"], ["terminal=nan"], ["terminal=1"]]
)
def test_a_share_that_cannot_be_is_refused(asked: list[str]) -> None:
    with pytest.raises(UnknownFamily, match=r"share|environment"):
        shares_of(("terminal", "search"), asked)


def test_a_machine_without_chromium_lacks_slides_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(families, "CHROMIUM", tmp_path / "chromium")
    assert "slides" in lacking(("terminal", "slides"))
    assert "Chromium" in lacking(("slides",))["slides"]
    (tmp_path / "chromium").touch()
    assert lacking(("terminal", "slides")) == {}
