"""What software engineering tests share: the shipped package with one known bug, and sandboxes."""

from pathlib import Path

import pytest

from environments.swe.build.image import LIB
from environments.swe.build.patch import patch_of
from environments.swe.instance import Instance
from environments.swe.shipped import source_of
from environments.swe.tasks import SweTasks
from services.sandbox.bubblewrap import BubblewrapSandboxes

RIGHT, WRONG = "if amount > 0}", "if amount > 1}"
FILE = "larder/recipe.py"
FIX = f"sed -i 's/{WRONG}/{RIGHT}/' {FILE}"


@pytest.fixture(scope="session")
def sandboxes() -> BubblewrapSandboxes:
    return BubblewrapSandboxes()


@pytest.fixture(scope="session")
def tasks_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swe")
    source_of(folder / "images")
    return folder


@pytest.fixture(scope="session")
def instance(tasks_dir: Path) -> Instance:
    """Something that is missing once is not bought."""
    good = (tasks_dir / "images/larder/repo" / FILE).read_text()
    bad = good.replace(RIGHT, WRONG)
    assert good != bad
    return Instance(
        instance_id="larder__known",
        repo="larder",
        problem_statement="What is missing once is not bought.",
        patch=patch_of(FILE, bad, good),
        bug_patch=patch_of(FILE, good, bad),
        FAIL_TO_PASS=("tests/test_recipe.py::test_finds_the_worst",),
        PASS_TO_PASS=("tests/test_recipe.py::test_pages", "tests/test_label.py::test_labels"),
        test_patch=patch_of("tests/test_recipe.py", *_with_hidden_test(tasks_dir)),
        image="larder",
        runner="pytest",
        test_files=("tests",),
        python_path=(LIB, "."),
        environment={"PYTHONPATH": f"{LIB}:/testbed"},
        timeout_s=20.0,
    )


@pytest.fixture(scope="session")
def tasks(tasks_dir: Path, instance: Instance) -> SweTasks:
    return SweTasks(folder=tasks_dir, splits={"train": (instance,)})


def _with_hidden_test(tasks_dir: Path) -> tuple[str, str]:
    """The visible tests do not notice this bug; the test patch brings one that does."""
    visible = (tasks_dir / "images/larder/repo/tests/test_recipe.py").read_text()
    hidden = '\n\ndef test_finds_the_worst() -> None:\n    assert missing({"egg": 1}, {}) == {"egg": 1}\n'
    return visible, visible + hidden
