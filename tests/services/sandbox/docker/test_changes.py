"""What a box changed, as an archive."""

import io
import tarfile

from services.sandbox.archive import archive_of
from services.sandbox.docker.changes import changed_paths, owned_archive, read_whiteouts, whiteouts

LONG = "/app/" + "x" * 200


def test_what_the_engine_mounts_is_no_change() -> None:
    changes = [
        {"Path": "/app", "Kind": 0},
        {"Path": "/app/new", "Kind": 1},
        {"Path": "/app/gone", "Kind": 2},
        {"Path": "/etc/hosts", "Kind": 0},
        {"Path": "/dev/console", "Kind": 1},
    ]
    assert changed_paths(changes) == (["/app", "/app/new"], ["/app/gone"])
    assert changed_paths(None) == ([], [])


def test_a_library_for_every_program_stays_behind() -> None:
    changes = [{"Path": "/etc/ld.so.preload", "Kind": 1}, {"Path": "/etc/ld.so.conf", "Kind": 0}]
    assert changed_paths(changes) == (["/etc/ld.so.conf"], [])


def test_what_was_deleted_comes_first_and_is_told_apart() -> None:
    written = archive_of({"app/new": b"new"})
    deleted, rest = read_whiteouts(whiteouts(["/app/gone", LONG]) + written)
    assert deleted == ["/app/gone", LONG]
    assert rest == written
    assert read_whiteouts(written) == ([], written)


def test_nothing_but_deletions() -> None:
    deleted, rest = read_whiteouts(whiteouts(["/gone"]) + bytes(10240))
    assert deleted == ["/gone"]
    with tarfile.open(fileobj=io.BytesIO(rest)) as tar:
        assert tar.getnames() == []


def placed(archive: bytes, path: str, *there: str) -> dict[str, int]:
    """Names and owners."""
    with tarfile.open(fileobj=io.BytesIO(owned_archive(archive, path, 65534, there.__contains__))) as tar:
        return {member.name: member.uid for member in tar}


def test_files_get_their_place_and_their_owner() -> None:
    assert placed(archive_of({"a/b": b"b"}), "/data/in") == {
        "data": 65534,
        "data/in": 65534,
        "data/in/a/b": 65534,
    }


def test_folders_that_are_there_keep_their_owner_and_mode() -> None:
    archive = archive_of({"a/b": b"b"}, (".", "a", "new"))
    there = "/data", "/data/in", "/data/in/a"
    assert list(placed(archive, "/data/in", *there)) == ["data/in/new", "data/in/a/b"]
