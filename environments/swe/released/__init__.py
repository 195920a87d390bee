"""The tasks of real packages that ship: made of `<package>.jsonl` here and the package's own archive."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from environments.swe.build.fetch import released
from environments.swe.build.releases import RELEASES, Release
from environments.swe.released.record import Record
from environments.swe.rows import write_instances
from environments.tasks import SPLITS
from environments.whole import appears_whole
from services.kit.failure import Refused

_HERE = Path(__file__).parent
_HELD_OUT = 5  # every so many-th task of a package is for evaluation


def records() -> Iterator[tuple[Release, Record]]:
    """Each package with its bugs. Errors: Refused if they are of another archive than the one fetched."""
    for release in RELEASES:
        path = _HERE / f"{release.name}.jsonl"
        if not path.is_file():
            continue
        record = Record.read(path)
        if (record.suite.version, record.suite.sha256) != (release.version, release.sha256):
            raise Refused(f"{path} is of {release.name} {record.suite.version}", remedy="build it again")
        yield release, record


def write_tasks(folder: Path) -> None:
    """Rows and images, of archives from the package registry. `folder` appears whole.

    Errors: Unavailable if the registry does not have them.
    """
    with appears_whole(folder) as complete, TemporaryDirectory() as fetched:
        scratch = Path(fetched)
        instances = [
            instance
            for release, record in records()
            for instance in record.instances(released(release, complete / "images", scratch))
        ]
        held_out = instances[_HELD_OUT - 1 :: _HELD_OUT]
        train = [instance for instance in instances if instance not in held_out]
        for split, rows in zip(SPLITS, (train, held_out), strict=True):
            write_instances(complete / f"{split}.jsonl", rows)
