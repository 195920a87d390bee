"""Artifacts out of a sandbox: which files, where they lie, and what is left out."""

import io
import tarfile

import pytest

from environments.terminal.evidence import Found, for_people, for_verifier
from environments.terminal.harbor.tables import ArtifactTable
from services.sandbox.archive import archive_of
from services.sandbox.port import SandboxFailure

APP = archive_of({"app/a.txt": b"a", "app/deep/b.log": b"b", "app/cache/c": b"c"}, ("app", "app/empty"))
DEEP = archive_of({"deep/b.log": b"b"})


def names(artifact: ArtifactTable, archive: bytes = APP, *, people: bool = False) -> list[str]:
    collected = (for_people if people else for_verifier)([Found(artifact, archive)])
    if collected is None:
        return []
    with tarfile.open(fileobj=io.BytesIO(collected)) as tar:
        return sorted(tar.getnames())


def test_a_folder_whole_and_a_file() -> None:
    app = ["./app", "./app/a.txt", "./app/cache/c", "./app/deep/b.log", "./app/empty"]
    assert names(ArtifactTable(source="/app/")) == app
    assert names(ArtifactTable(source="/app/deep"), DEEP) == ["./app/deep/b.log"]
    assert names(ArtifactTable(source="/app/a.txt"), archive_of({"a.txt": b"a"})) == ["./app/a.txt"]
    assert for_verifier([]) is for_people([]) is None


def test_patterns_leave_out_files_and_whole_folders() -> None:
    artifact = ArtifactTable(source="/app", exclude=("*.log", "cache"))
    assert names(artifact, people=True) == ["./app/a.txt"]


def test_a_destination_is_for_people_alone() -> None:
    artifact = ArtifactTable(source="/app/deep", destination="logs")
    assert names(artifact, DEEP, people=True) == ["./logs/b.log"]
    assert names(artifact, DEEP) == ["./app/deep/b.log"]


@pytest.mark.parametrize(
    ("target", "kept"), [("/etc/passwd", False), ("../x", False), ("b", True), ("/app/b", False)]
)
def test_links_are_carried_over_where_they_stay_inside(target: str, kept: bool) -> None:
    link = archive_with(tarfile.SYMTYPE, "app/link", target)
    assert names(ArtifactTable(source="/app"), link) == (["./app/link"] if kept else [])
    assert names(ArtifactTable(source="/app"), link, people=True) == []


def test_a_device_is_left_out() -> None:
    assert names(ArtifactTable(source="/app"), archive_with(tarfile.FIFOTYPE, "app/pipe", "")) == []


def test_nothing_is_put_through_a_link_of_another_artifact() -> None:
    link = Found(ArtifactTable(source="/app"), archive_with(tarfile.SYMTYPE, "app/deep", "b"))
    collected = for_verifier([link, Found(ArtifactTable(source="/app/deep"), DEEP)])
    assert collected is not None
    with tarfile.open(fileobj=io.BytesIO(collected)) as tar:
        assert tar.getnames() == ["./app/deep"]


def test_half_an_archive_is_the_sandboxs_failure() -> None:
    half = Found(ArtifactTable(source="/app"), archive_of({"app/a": bytes(2000)})[:1024])
    with pytest.raises(SandboxFailure, match="/app did not come out of the sandbox whole"):
        for_verifier([half])


def archive_with(kind: bytes, name: str, target: str) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
