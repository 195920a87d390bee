"""Folders that appear whole or not at all, however many services write them at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from services.kit.failure import Refused


@contextmanager
def appears_whole(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `folder`; unless that is there by then, since another was faster.

    Errors: Refused, if there is something in it at the beginning.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise Refused(f"{folder} is there already", field="folder", remedy="remove it, or name another one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as unfinished:
        complete = Path(unfinished) / folder.name
        complete.mkdir()
        yield complete
        try:
            complete.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
