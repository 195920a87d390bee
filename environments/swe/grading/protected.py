"""What of an agent's diff is not carried over: tests, their configuration, and what Python starts with."""

import re
from collections.abc import Iterator

from environments.swe.instance import Instance

_ALWAYS = (
    "conftest.py",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "setup.cfg",
    "pyproject.toml",
    "sitecustomize.py",
    "usercustomize.py",
    "*.pth",
    "*.pyc",
    "*.pyo",
    "*.so",
    "__pycache__/**",
    "test_*.py",
    "*_test.py",
    "*_test.go",
    "*.test.[jt]s*",
    "*.spec.[jt]s*",
    "noxfile.py",
    "jest.config.*",
    "vitest.config.*",
    "vitest.workspace.*",
    "vite.config.*",
    "babel.config.*",
    ".mocharc.*",
    ".cargo/**",
    "CTestTestfile.cmake",
    "CTestConfig.cmake",
)
_IF_RUN = {
    "npm|npx|pnpm|yarn|bun|node|jest|vitest|mocha": ("package.json", ".npmrc", ".yarnrc*"),
    "cargo": ("Cargo.toml", "build.rs"),
    "make": ("Makefile", "makefile", "GNUmakefile"),
}
_FOLDERS = frozenset({"test", "tests", "testing", "__tests__", "spec"})
_PATCHED = re.compile(r"^(?:--- a/|\+\+\+ b/|rename (?:from|to) )(.+?)\s*$", re.MULTILINE)


def protected_pathspecs(instance: Instance) -> list[str]:
    """Pathspecs of git, without `exclude`. A folder of tests that holds one of ours is protected whole."""
    named = {*instance.test_files, *_PATCHED.findall(instance.test_patch)}
    folders = {folder for path in named for folder in _folder(path)}
    return [
        *(f":(top,glob)**/{pattern}" for pattern in (*_ALWAYS, *_of_command(instance))),
        *(f":(top,literal){path}" for path in sorted(named | folders)),
    ]


def _of_command(instance: Instance) -> Iterator[str]:
    """Files that only count where the tests are run through what reads them."""
    if instance.runner == "command":
        for programs, patterns in _IF_RUN.items():
            if re.search(rf"\b(?:{programs})\b", instance.test_command):
                yield from patterns


def excluded(pathspec: str) -> str:
    return pathspec.replace(":(top,", ":(top,exclude,", 1)


def _folder(path: str) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for depth, part in enumerate(parts, 1):
        if part in _FOLDERS:
            yield "/".join(parts[:depth])
            return
