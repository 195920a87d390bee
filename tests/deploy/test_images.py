"""Images: what their processes import is in them, at the versions of the lock; hadolint is content."""

import re
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import grimp
import pytest

from tests.architecture.sources import ROOT

DOCKER = ROOT / "deploy/docker"
OURS = ("services", "orchestrator", "learner", "environments", "deploy")
ELSEWHERE = ("environments.slides.rendering", "environments.slides.wiring")  # only the slides image has them
PROCESSES = {
    "control": (("orchestrator.", "services.gateway.", "environments.__main__", "deploy.keys"), ELSEWHERE),
    "torch": (("learner.__main__", "services.inference."), ()),
    "chromium": (("environments.__main__", "environments.slides."), ()),
}


@pytest.mark.parametrize("image", PROCESSES)
def test_what_processes_import_is_installed(image: str) -> None:
    roots, without = PROCESSES[image]
    listed = _closure(_listed(image))
    names = packages_distributions()
    missing = {
        package
        for package in _reached(roots, without)
        if not {_normal(name) for name in names.get(package, ())} & listed
    }
    assert missing - {"larder"} == set()  # the shipped repository of software engineering tasks


@pytest.mark.parametrize("image", PROCESSES)
def test_what_is_installed_has_its_version_in_the_lock(image: str) -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {_normal(line.split("==")[0]) for line in lines if line and not line.startswith("#")}
    assert _closure(_listed(image)) - locked - {"setuptools"} == set()  # that comes with Python


@pytest.mark.parametrize("dockerfile", sorted(DOCKER.glob("*.Dockerfile")), ids=lambda path: path.stem)
def test_hadolint_has_no_complaint(dockerfile: Path) -> None:
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([program, dockerfile], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def _listed(image: str) -> set[str]:
    lines = (DOCKER / f"{image}.txt").read_text().splitlines()
    return {_normal(line.split("[")[0]) for line in lines if line and not line.startswith("#")}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _closure(names: set[str]) -> set[str]:
    """Distributions with all that they require on this machine."""
    seen, todo = set[str](), list(names)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        try:
            required = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # for another system
        seen.add(name)
        todo += [_normal(_name(line)) for line in required if "extra ==" not in line]
    return seen


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return found[0]


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*OURS, include_external_packages=True)


def _reached(roots: tuple[str, ...], without: tuple[str, ...]) -> set[str]:
    """Packages of other people that modules below the roots import, at any remove."""
    graph = _graph()
    todo = [module for module in graph.modules if f"{module}.".startswith(roots)]
    seen, found = set(todo), set[str]()
    while todo:
        for imported in graph.find_modules_directly_imported_by(todo.pop()):
            if imported in seen or imported.startswith(without or ("?",)):
                continue
            seen.add(imported)
            if imported.split(".")[0] in OURS:
                todo.append(imported)
            elif imported not in sys.stdlib_module_names:
                found.add(imported)
    return found
