"""A small package with tests, and tasks of it that need nothing from outside."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from environments.swe.build.builder import Source
from environments.swe.build.image import write_image
from environments.whole import appears_whole

_NAME = "larder"
_HERE = Path(__file__).parent
_SPLITS = ("train", "evaluation")


def source_of(images: Path) -> Source:
    """The package as a source of bugs; its image is written below `images`."""
    with TemporaryDirectory() as scratch:
        repository = Path(scratch) / _NAME
        for part in (_NAME, "tests"):
            shutil.copytree(_HERE / part, repository / part, ignore=shutil.ignore_patterns("__pycache__"))
        write_image(images / _NAME, repository)
    return Source(_NAME, images / _NAME, (_NAME,), ("tests",), license="Apache-2.0")


def write_tasks(folder: Path) -> None:
    """The shipped tasks, made by `python -m environments.swe.build --shipped`. `folder` appears whole."""
    with appears_whole(folder) as complete:
        source_of(complete / "images")
        for split in _SPLITS:
            shutil.copyfile(_HERE / f"{split}.jsonl", complete / f"{split}.jsonl")
