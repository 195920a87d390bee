"""Which family a folder of tasks belongs to."""

import json
from pathlib import Path

import pytest

from environments.swe import wiring
from environments.validation.families import folder_of
from services.kit.failure import Refused


@pytest.mark.parametrize(
    ("row", "family"),
    [({"instance_id": "a"}, "swe"), ({"question": "q"}, "search"), ({"pages": []}, "slides")],
)
def test_rows_tell_the_family(tmp_path: Path, row: dict[str, object], family: str) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    assert folder_of(str(tmp_path), tmp_path / "scratch") == (family, tmp_path)


def test_anything_else_has_harbor_directories(tmp_path: Path) -> None:
    assert folder_of(str(tmp_path), tmp_path / "scratch") == ("terminal", tmp_path)


@pytest.mark.parametrize(("text", "says"), [("{}", "rows of no known family"), ("no", "is not JSON")])
def test_rows_of_nobody_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "train.jsonl").write_text(text)
    with pytest.raises(Refused, match=says):
        folder_of(str(tmp_path), tmp_path / "scratch")


def test_a_family_by_name_has_its_shipped_tasks(tmp_path: Path) -> None:
    family, folder = folder_of("swe", tmp_path)
    assert (family, (folder / "train.jsonl").is_file()) == ("swe", True)


@pytest.mark.parametrize(("tasks", "fetched"), [("packages", True), ("small", False)])
def test_the_settings_of_swe_say_which_tasks_are_validated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: str, fetched: bool
) -> None:
    """Those of real packages would be fetched; a folder stands for them."""
    monkeypatch.setenv("PODIUM_SWE_TASKS", tasks)

    def write_released(folder: Path) -> None:
        (folder / "released").mkdir(parents=True)

    monkeypatch.setattr(wiring, "write_released_tasks", write_released)
    family, folder = folder_of("swe", tmp_path)
    assert family == "swe"
    assert ((folder / "released").is_dir(), (folder / "train.jsonl").is_file()) == (fetched, not fetched)


def test_a_name_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"neither a folder nor a family \(terminal, swe, search, slides\)"):
        folder_of("chess", tmp_path)
