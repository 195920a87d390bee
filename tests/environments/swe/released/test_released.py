"""What ships of real packages: rows without their code, and whole tasks again where that is at hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from environments.swe import released
from environments.swe.build.builder import Plan, Tally, build
from environments.swe.build.releases import Release
from environments.swe.released import records, write_tasks
from environments.swe.released.record import Record, record_of
from environments.swe.shipped import source_of
from environments.swe.tasks import load_tasks
from services.kit.failure import Refused, Unavailable
from services.sandbox.bubblewrap import BubblewrapSandboxes

LARDER = Release("larder", "1", "0" * 64, ("larder",), ("tests",), (".",), "Apache-2.0")


async def test_a_record_makes_the_tasks_that_were_built(
    tmp_path: Path, sandboxes: BubblewrapSandboxes
) -> None:
    source = source_of(tmp_path / "images")
    found = [one async for one in build(source, Plan(tasks=2, runs=1), sandboxes, Tally())]
    record_of(LARDER, found).write(tmp_path / "larder.jsonl")
    record = Record.read(tmp_path / "larder.jsonl")
    assert list(record.instances(source)) == [one.instance for one in found]
    code = [line for one in found for line in one.instance.patch.splitlines() if len(line.strip()) > 12]
    kept = [json.loads(line) for line in (tmp_path / "larder.jsonl").read_text().splitlines()]
    assert not any(line[1:].strip() in str(kept) for line in code if line[0] in " +-")


def test_at_least_200_tasks_of_at_least_8_packages_ship() -> None:
    found = list(records())
    assert len(found) >= 8
    assert sum(len(record.bugs) for _, record in found) >= 200
    ids = [bug.instance_id for _, record in found for bug in record.bugs]
    assert len(set(ids)) == len(ids)
    for release, record in found:
        assert release.license
        for bug in record.bugs:
            assert bug.failing
            assert set(bug.failing) < set(record.suite.tests)
            assert not set(bug.failing) & set(bug.ignored)


def test_bugs_of_another_archive_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    release, _ = next(records())
    monkeypatch.setattr(released, "RELEASES", (replace(release, sha256="1" * 64),))
    with pytest.raises(Refused, match="is of"):
        list(records())


def test_without_a_registry_no_folder_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable, match="cannot be fetched"):
        write_tasks(tmp_path / "tasks")
    assert list(tmp_path.iterdir()) == []


def test_whole_tasks_come_of_the_archive_in_the_registry(
    tmp_path: Path, sandboxes: BubblewrapSandboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, record = next((release, record) for release, record in records() if release.name == "unidiff")
    monkeypatch.setattr(released, "RELEASES", (release,))
    try:
        write_tasks(tmp_path / "tasks")
    except Unavailable as unavailable:
        pytest.skip(f"no package registry: {unavailable.detail[:200]}")
    tasks = load_tasks(tmp_path / "tasks", sandboxes)
    assert sum(tasks.counts().values()) == len(record.bugs)
    assert {task.license for task in tasks.all()} == {"MIT"}
    assert (tmp_path / "tasks/images/unidiff-0.7.5/repo/LICENSE").is_file()
