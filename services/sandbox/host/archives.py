"""Archives that callers sent, by their SHA-256; those unused for longest go when the room is full."""

import shutil
from pathlib import Path
from secrets import token_hex

from services.kit.failure import Missing, Refused
from services.sandbox.folder import digest_of, unpack_folder


class Archives:
    """Files of one folder. An archive that is a build folder is unpacked beside itself, once."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most = most_bytes
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, digest: str) -> bool:
        return self._path(digest).is_file()

    def put(self, digest: str, data: bytes) -> None:
        """Errors: Refused, if the data are not what the digest says."""
        if digest_of(data) != digest:
            raise Refused("the archive is not what its digest says", field="digest", value=digest)
        self._make_room(len(data))
        part = self._folder / f".{token_hex(8)}.part"
        part.write_bytes(data)
        part.rename(self._path(digest))

    def read(self, digest: str) -> bytes:
        """Errors: Missing."""
        path = self._found(digest)
        path.touch()
        return path.read_bytes()

    def folder(self, digest: str) -> Path:
        """The archive unpacked. Errors: Missing, Refused."""
        path = self._found(digest)
        path.touch()
        folder = path.with_suffix("")
        if not folder.is_dir():
            unpack_folder(path.read_bytes(), folder)
        return folder

    def _found(self, digest: str) -> Path:
        if not self.has(digest):
            remedy = "send it with PUT /v1/archives/{digest}"
            raise Missing("there is no such archive here", field="digest", value=digest, remedy=remedy)
        return self._path(digest)

    def _make_room(self, wanted: int) -> None:
        kept = sorted(self._folder.glob("*.tar"), key=lambda path: path.stat().st_mtime)
        total = wanted + sum(path.stat().st_size for path in kept)
        for path in kept:
            if total <= self._most:
                return
            total -= path.stat().st_size
            path.unlink()
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.tar"
