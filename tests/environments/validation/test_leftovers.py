"""What is left behind is seen: a process, a box, a file."""

import os
import subprocess
from pathlib import Path

import pytest

from environments.validation import leftovers as module
from environments.validation.leftovers import files_in, leftovers
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.docker.sandboxes import DockerSandboxes
from services.sandbox.port import Blueprint, Limits


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.05)


def test_a_file_and_a_process(tmp_path: Path) -> None:
    before, known = files_in(tmp_path), set(leftovers(files_in(tmp_path), tmp_path))
    (tmp_path / "new").mkdir()
    with subprocess.Popen(["sleep", "30"]) as process:
        found = set(leftovers(before, tmp_path)) - known
        process.kill()
    assert found == {str(tmp_path / "new"), f"process {process.pid}: sleep"}


async def test_a_box_that_is_open(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\n")
    sandboxes = BubblewrapSandboxes()
    async with sandboxes.open(Blueprint(tmp_path), Limits()):
        found = leftovers(files_in(tmp_path), tmp_path)
        assert any(left.endswith(": bash") for left in found), found
        if sandboxes.whole_boxes_limited:
            assert any(f"podium-box-{os.getpid()}-" in left for left in found)
    assert not [left for left in leftovers(files_in(tmp_path), tmp_path) if ": bash" in left or "box" in left]


@pytest.mark.docker
async def test_a_container_that_is_open(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim\n")
    sandboxes = DockerSandboxes()
    async with sandboxes.running():
        async with sandboxes.open(Blueprint(tmp_path, labels={"rollout": "left-open"}), Limits()):
            found = leftovers(frozenset(), docker=True)
            assert [left for left in found if left.startswith("podium-left-open-")]
        assert not [left for left in leftovers(frozenset(), docker=True) if left.startswith("podium-")]
