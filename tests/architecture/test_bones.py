"""Every process folder has the same bones, and every module says in one sentence what it is."""

import ast
from fnmatch import fnmatch

import pytest

from tests.architecture.sources import CODE, PROCESSES, ROOT, sources

BONES = ("__main__.py", "settings.py", "app.py", "metrics.py", "README.md")
LACKING = {"services/cli": {"settings.py", "app.py", "metrics.py"}}  # a command, not a service
SECTIONS = ("In", "Out", "Owns", "When it fails")


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_has_its_bones(process: str) -> None:
    wanted = set(BONES) - LACKING.get(process, set())
    assert sorted(bone for bone in wanted if not (ROOT / process / bone).is_file()) == []


@pytest.mark.parametrize("process", [process for process in PROCESSES if process not in LACKING])
def test_a_readme_tells_what_goes_in_and_out_and_what_fails(process: str) -> None:
    readme = ROOT / process / "README.md"
    text = readme.read_text() if readme.is_file() else ""
    assert [section for section in SECTIONS if section not in text] == []
    assert len(text.splitlines()) <= 40


def test_every_module_says_what_it_is() -> None:
    assert [str(source.path) for source in sources(*CODE) if not ast.get_docstring(source.tree)] == []


def test_every_package_is_one() -> None:
    """A folder with modules has an `__init__.py`, or it would not be installed; tests have none."""
    product = [source.path for source in sources(*CODE) if source.path.parts[0] != "tests"]
    folders = {path.parent for path in product if "migrations" not in path.parts}  # Alembic reads files
    assert sorted(str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file()) == []


def test_every_folder_of_tests_is_collected(pytestconfig: pytest.Config) -> None:
    skipped = pytestconfig.getini("norecursedirs")
    folders = {folder for source in sources("tests") for folder in source.path.parts[:-1]}
    assert sorted(one for one in folders if any(fnmatch(one, pattern) for pattern in skipped)) == []
