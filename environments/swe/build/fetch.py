"""Source archives: fetched from the package registry by name, version and digest, and unpacked."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from environments.swe.build.builder import Source
from environments.swe.build.image import write_image
from environments.swe.build.releases import Release
from services.kit.failure import Refused, Unavailable

_FETCH_S = 300


def released(release: Release, images: Path, scratch: Path) -> Source:
    """A release as a source of bugs; its image is written below `images`. Errors: as of `fetch`."""
    image = images / f"{release.name}-{release.version}"
    write_image(image, fetch(release, scratch / release.name))
    return Source(
        release.name,
        image,
        release.code,
        release.tests,
        release.python_path,
        release.license,
        release.version,
    )


def fetch(release: Release, folder: Path) -> Path:
    """The unpacked sources below `folder`. Errors: Unavailable if the registry has no such archive."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / f"{release.name}.txt"
    wanted.write_text(f"{release.name}=={release.version} --hash=sha256:{release.sha256}\n")
    options = ["--no-deps", "--no-binary", ":all:", "--require-hashes", "-q", "-d", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, "-r", str(wanted)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_S, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{release.name}: the registry took more than {_FETCH_S} s") from None
    archives = sorted(folder.glob(f"{release.name}-*.tar.gz"))
    if done.returncode != 0 or not archives:
        raise Unavailable(f"{release.name} {release.version} cannot be fetched: {done.stderr[-500:]}")
    return unpack(archives[0], folder / "unpacked" / release.name)


def unpack(archive: Path, folder: Path) -> Path:
    """The repository in an archive: its one folder, or all of it. Errors: Refused if it is none."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(folder)
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise Refused(f"{archive} is no archive of sources: {error}", field="source") from None
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder
