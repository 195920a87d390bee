"""A build folder as an archive that is the same for the same content, and back again."""

import hashlib
import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from services.kit.failure import Refused


def folder_archive(folder: Path) -> bytes:
    """Names, permissions and bytes of all below `folder`; no times and no owners."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            entry = tar.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = entry.mtime = 0
            entry.uname = entry.gname = ""
            if entry.isreg():
                with path.open("rb") as file:
                    tar.addfile(entry, file)
            elif entry.isdir() or entry.issym():
                tar.addfile(entry)
    return buffer.getvalue()


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def unpack_folder(archive: bytes, folder: Path) -> None:
    """Only files, folders and links that stay inside. Whole or not at all, and several may do it at once.
    Errors: Refused."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(part, _inside(tar, part.resolve()))
    except (tarfile.TarError, OSError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise Refused(
            f"the archive of the build folder cannot be unpacked: {error}", field="folder"
        ) from None
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part)
        if not folder.is_dir():  # else somebody else was quicker, with the same
            raise


def _inside(tar: tarfile.TarFile, folder: Path) -> Iterator[tarfile.TarInfo]:
    """Each member once those before it are unpacked, so that links are followed. Errors: TarError.

    By hand, since `tarfile` has its own filter from Python 3.11.4 on only.
    """
    for member in tar:
        places = [folder / member.name]
        if member.issym():
            places.append(folder / Path(member.name).parent / member.linkname)
        if not (member.isreg() or member.isdir() or member.issym()):
            raise tarfile.TarError(f"{member.name} is neither a file nor a folder nor a link")
        if not all(place.resolve().is_relative_to(folder) for place in places):
            raise tarfile.TarError(f"{member.name} leads out of the folder")
        member.mode &= 0o755
        yield member
