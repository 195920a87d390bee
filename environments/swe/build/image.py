"""The folder that a task's sandboxes are built from: a repository, and pytest beside it."""

import compileall
import shutil
from importlib.metadata import distribution
from pathlib import Path
from py_compile import PycInvalidationMode

LIB = "/opt/swe/lib"
WORKDIR = "/testbed"
_DOCKERFILE = f"FROM python:3.11\nCOPY lib {LIB}\nCOPY repo {WORKDIR}\nWORKDIR {WORKDIR}\n"
_DISTRIBUTIONS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
_LEXERS = frozenset({"__init__.py", "_mapping.py", "diff.py", "python.py"})
_IGNORED = shutil.ignore_patterns(
    ".git", ".hg", "__pycache__", "*.pyc", "*.egg-info", ".tox", ".venv", "build", "dist", "PKG-INFO"
)


def write_image(folder: Path, repository: Path) -> None:
    """`folder` with Dockerfile, lib/ and repo/. Of the repository no history and no build comes along."""
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(_DOCKERFILE)
    shutil.copytree(repository, folder / "repo", ignore=_IGNORED, symlinks=True)
    _write_lib(folder / "lib")


def _write_lib(folder: Path) -> None:
    """pytest and what it needs, as installed here; compiled, since every sandbox starts it afresh."""
    for name in _DISTRIBUTIONS:
        for file in distribution(name).files or ():
            wanted = file.suffix == ".py" or file.name == "METADATA"
            if wanted and ".." not in file.parts and not _left_out(file.parts):
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(str(file.locate())), target)
    compileall.compile_dir(
        folder,
        quiet=2,
        stripdir=str(folder),
        prependdir=LIB,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )


def _left_out(parts: tuple[str, ...]) -> bool:
    return parts[:2] == ("pygments", "lexers") and parts[-1] not in _LEXERS
