"""A build folder as an archive that is the same for the same content, and back again."""

import hashlib
import io
import shutil
import tarfile
from pathlib import Path

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
    """Only files, folders and links that stay inside. Whole or not at all. Errors: Refused."""
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(part, filter="data")
    except (tarfile.TarError, OSError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise Refused(
            f"the archive of the build folder cannot be unpacked: {error}", field="folder"
        ) from None
    part.rename(folder)
