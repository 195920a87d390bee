"""Artifacts out of a tree: which files, where they lie, and what is left out."""

import io
import tarfile

from environments.terminal.evidence import collected
from environments.terminal.harbor.tables import ArtifactTable
from services.sandbox.archive import archive_of

TREE = archive_of({"app/a.txt": b"a", "app/deep/b.log": b"b", "app/cache/c": b"c", "etc/passwd": b"p"})


def names(*artifacts: ArtifactTable, for_people: bool = False) -> list[str]:
    archive = collected(TREE, artifacts, for_people=for_people)
    if archive is None:
        return []
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return sorted(tar.getnames())


def test_a_folder_a_file_and_nothing() -> None:
    assert names(ArtifactTable(source="/app/deep/")) == ["./app/deep/b.log"]
    assert names(ArtifactTable(source="/app/a.txt")) == ["./app/a.txt"]
    assert names(ArtifactTable(source="/ap")) == []


def test_patterns_leave_out_files_and_whole_folders() -> None:
    assert names(ArtifactTable(source="/app", exclude=("*.log", "cache"))) == ["./app/a.txt"]


def test_a_destination_is_for_people_alone() -> None:
    artifact = ArtifactTable(source="/app/deep", destination="logs")
    assert names(artifact, for_people=True) == ["./logs/b.log"]
    assert names(artifact) == ["./app/deep/b.log"]


def test_links_are_not_carried_over() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        link = tarfile.TarInfo("./app/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert collected(buffer.getvalue(), [ArtifactTable(source="/app")], for_people=False) is None
