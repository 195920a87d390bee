"""Files that outlive their rollout: found by its id, of bounded size, the newest rollouts' kept."""

import hashlib
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path

import structlog

from services.contracts.outcome import Artifact
from services.kit.failure import Missing

log = structlog.get_logger()

_PLAIN = re.compile(r"^[\w-][\w.-]{0,199}$")


@dataclass(frozen=True)
class Artifacts:
    """Owns `folder` and everything in it; `url` is this service's address."""

    folder: Path
    url: str
    rollouts_kept: int = 2_000
    file_bytes: int = 2_000_000

    def keep(self, rollout_id: str, attempt: int, files: Mapping[str, bytes]) -> tuple[Artifact, ...]:
        """What was kept. A disk that is full loses files, never a reward."""
        try:
            kept = self._written(rollout_id, attempt, files)
            self._forget_old()
        except OSError as error:
            log.warning("artifacts_lost", rollout_id=rollout_id, error=str(error))
            return ()
        return kept

    def path(self, rollout_id: str, attempt: int, name: str) -> Path:
        """Where a file lies. Errors: Missing."""
        path = self.folder / rollout_id / str(attempt) / name
        if not _PLAIN.match(rollout_id) or not _PLAIN.match(name) or not path.is_file():
            raise Missing(f"no artifact {name!r} of rollout {rollout_id} here", field="name", value=name)
        return path

    def _written(self, rollout_id: str, attempt: int, files: Mapping[str, bytes]) -> tuple[Artifact, ...]:
        folder = self.folder / rollout_id / str(attempt)
        small = {name: data for name, data in files.items() if len(data) <= self.file_bytes}
        if small:
            folder.mkdir(parents=True, exist_ok=True)
        for name, data in small.items():
            (folder / name).write_bytes(data)
        address = f"{self.url}/v1/rollouts/{rollout_id}/attempts/{attempt}/artifacts"
        return tuple(
            Artifact(
                name=name,
                media_type=guess_type(name)[0] or "application/octet-stream",
                url=f"{address}/{name}",
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
            for name, data in small.items()
        )

    def _forget_old(self) -> None:
        folders = [path for path in self.folder.iterdir() if path.is_dir()] if self.folder.is_dir() else []
        folders.sort(key=lambda path: path.stat().st_mtime_ns)
        for old in folders[: max(len(folders) - self.rollouts_kept, 0)]:
            shutil.rmtree(old, ignore_errors=True)
