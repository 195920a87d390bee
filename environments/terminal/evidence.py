"""Artifacts of a step: the files that a task wants to have collected, out of the tree an agent left."""

import tarfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import PurePosixPath

from environments.terminal.harbor.tables import ArtifactTable


def collected(tree: bytes, artifacts: Sequence[ArtifactTable], *, for_people: bool) -> bytes | None:
    """A tar archive of regular files alone, None if there is none.

    For a verifier each lies where it lay; for people at its `destination`, if it has one. Where two
    claim one place, the first has it.
    """
    placed: dict[str, tuple[bytes, int]] = {}
    with tarfile.open(fileobj=BytesIO(tree)) as archive:
        members = [member for member in archive if member.isreg() or member.islnk()]
        for artifact in artifacts:
            for member, rest in _below(artifact, members):
                content = archive.extractfile(member)
                if content is not None:
                    place = _place(artifact, rest, for_people=for_people)
                    placed.setdefault(place, (content.read(), member.mode & 0o755))
    return _archive(placed) if placed else None


def _below(artifact: ArtifactTable, members: list[tarfile.TarInfo]) -> Iterator[tuple[tarfile.TarInfo, str]]:
    """What the artifact takes, each with its path below the source; "" if the source is a file."""
    root = PurePosixPath("/") / artifact.source
    for member in members:
        path = PurePosixPath("/") / member.name
        if path.is_relative_to(root):
            rest = "" if path == root else str(path.relative_to(root))
            if not any(_excluded(rest, pattern) for pattern in artifact.exclude):
                yield member, rest


def _excluded(path: str, pattern: str) -> bool:
    """As tar does it: a pattern fits some part of a path, and with a folder all that is in it."""
    parts = path.split("/")
    runs = ("/".join(parts[a:b]) for a in range(len(parts)) for b in range(a + 1, len(parts) + 1))
    return any(fnmatchcase(run, pattern) for run in runs)


def _place(artifact: ArtifactTable, rest: str, *, for_people: bool) -> str:
    root = artifact.destination if for_people and artifact.destination else artifact.source
    return str(PurePosixPath(root.lstrip("/")) / rest)


def _archive(placed: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, (data, mode) in placed.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.mode, entry.size = mode, len(data)
            tar.addfile(entry, BytesIO(data))
    return buffer.getvalue()
