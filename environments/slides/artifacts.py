"""Screenshots that outlive their rollout: a folder for each, the newest kept, each file of bounded size."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger()

Kept = dict[str, dict[str, str | int]]  # by file name: path, sha256 and bytes, as an outcome's details


@dataclass(frozen=True)
class Artifacts:
    """Owns `folder` and everything in it."""

    folder: Path
    rollouts_kept: int = 2_000
    file_bytes: int = 2_000_000

    def keep(self, rollout: str, screenshots: Mapping[int, bytes]) -> Kept:
        """`folder/<rollout>/page-<n>.png`. A disk that is full loses pictures, never a reward."""
        try:
            kept = self._written(self.folder / rollout, screenshots)
            self._forget_old()
        except OSError as error:
            log.warning("screenshots_lost", error=str(error))
            return {}
        return kept

    def _written(self, folder: Path, screenshots: Mapping[int, bytes]) -> Kept:
        kept: Kept = {}
        small = {number: png for number, png in screenshots.items() if len(png) <= self.file_bytes}
        if small:
            folder.mkdir(parents=True)
        for number, png in small.items():
            path = folder / f"page-{number}.png"
            path.write_bytes(png)
            digest = hashlib.sha256(png).hexdigest()
            kept[path.name] = {"path": str(path), "sha256": digest, "bytes": len(png)}
        return kept

    def _forget_old(self) -> None:
        folders = [path for path in self.folder.iterdir() if path.is_dir()] if self.folder.is_dir() else []
        folders.sort(key=lambda path: path.stat().st_mtime_ns)
        for old in folders[: max(len(folders) - self.rollouts_kept, 0)]:
            shutil.rmtree(old, ignore_errors=True)
