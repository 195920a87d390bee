"""Rows are read from JSON lines and Parquet alike, and refused by file, row and field."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from environments.swe.grading.verdict import Report, judge
from environments.swe.logs.status import Status
from environments.swe.rows import read_instances, write_instances
from environments.swe.tasks import SweTasks
from services.kit.failure import Refused
from services.sandbox.bubblewrap import BubblewrapSandboxes

ROW: dict[str, Any] = {
    "instance_id": "org__repo-1",
    "repo": "org/repo",
    "base_commit": "abcdef0",
    "problem_statement": "It fails.",
    "patch": "",
    "test_patch": "",
    "FAIL_TO_PASS": '["t.py::a"]',
    "PASS_TO_PASS": ["t.py::b"],
    "image": "repo-1",
    "test_command": "make test",
    "hints_text": "a column of SWE-bench that says nothing to us",
}


def write(folder: Path, *rows: object) -> Path:
    path = folder / "train.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_json_lines_and_parquet_read_alike(tmp_path: Path) -> None:
    rows = [{**ROW, "instance_id": "org__repo-2", "timeout_s": 5.0}, ROW]
    arrow = [{**row, "PASS_TO_PASS": json.dumps(row["PASS_TO_PASS"])} for row in rows]
    parquet.write_table(pyarrow.Table.from_pylist(arrow), tmp_path / "train.parquet")
    lines = list(read_instances(write(tmp_path, *rows)))
    assert lines == list(read_instances(tmp_path / "train.parquet"))
    assert lines[0].expected == ("t.py::a", "t.py::b")
    write_instances(tmp_path / "again.jsonl", lines)
    assert list(read_instances(tmp_path / "again.jsonl")) == lines


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"FAIL_TO_PASS": None}, "FAIL_TO_PASS: Field required"),
        ({"FAIL_TO_PASS": []}, "FAIL_TO_PASS: Tuple should have at least 1"),
        ({"FAIL_TO_PASS": "[broken"}, "FAIL_TO_PASS: "),
        ({"PASS_TO_PASS": ["t.py::a"]}, "t.py::a is in FAIL_TO_PASS and in PASS_TO_PASS"),
        ({"log_parser": "maven"}, "log_parser: Value error, there is no log parser 'maven'"),
        ({"image": None}, "there is no image: name a folder"),
        ({"flaky": ["t.py::a"]}, "nothing is left to grade"),
        ({"base_commit": "main; rm"}, "base_commit: String should match"),
        ({"image": "../up"}, "image: String should match"),
        ({"test_comand": "x"}, "test_comand is not known; is it test_command?"),
        ({"runner": "pytest"}, "the runner pytest needs test_files"),
        ({"test_command": None}, "the runner command needs a test_command"),
        ({"test_files": ["../x"]}, "test_files.0: Value error, not a path inside"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = write(tmp_path, ROW, {**ROW, **change})
    with pytest.raises(Refused) as refused:
        list(read_instances(path))
    assert refused.value.detail.startswith(f"{path}, row 2: ")
    assert said in refused.value.detail


@pytest.mark.parametrize(("line", "said"), [("{", "row 2: not JSON"), ("[]", "row 2: not an object")])
def test_a_line_that_is_no_row_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n{line}\n")
    with pytest.raises(Refused, match=said):
        list(read_instances(path))


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"not parquet")
    with pytest.raises(Refused, match="cannot be read"):
        list(read_instances(tmp_path / "train.parquet"))


def test_a_prebuilt_image_is_told_from_a_folder(tmp_path: Path) -> None:
    prebuilt = "swebench/sweb.eval.x86_64.org_1776_repo-1:latest"
    rows = [{**ROW, "image": name} for name in ("repo-1", prebuilt, "repo:2")]
    rows = [{**row, "instance_id": f"i-{number}"} for number, row in enumerate(rows)]
    found = list(read_instances(write(tmp_path, *rows)))
    assert [one.is_prebuilt for one in found] == [False, True, True]
    tasks = SweTasks(folder=tmp_path, splits={"train": tuple(found)})
    assert tasks.blueprint(found[0]).folder == tmp_path / "images/repo-1"
    assert [tasks.blueprint(one).image for one in found] == [None, prebuilt, "repo:2"]
    with pytest.raises(Refused, match="image = swebench/sweb"):
        BubblewrapSandboxes().check(tasks.blueprint(found[1]))


def test_flaky_tests_are_not_graded(tmp_path: Path) -> None:
    (found,) = read_instances(write(tmp_path, {**ROW, "flaky": ["t.py::b"]}))
    assert (found.expected, found.graded) == (("t.py::a",), (("t.py::a",), ()))
    assert judge(found, Report({"t.py::a": Status.PASSED})).reward == 1.0
