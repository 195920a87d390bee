"""Every form of the sandbox, for tests of the contract: a new form is one more name here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import Blueprint, Limits, Sandbox, Sandboxes

FORMS = {"bubblewrap": BubblewrapSandboxes}


@pytest.fixture(params=sorted(FORMS))
def sandboxes(request: pytest.FixtureRequest) -> Sandboxes:
    form: Sandboxes = FORMS[request.param]()
    return form


@pytest.fixture
def blueprint(tmp_path: Path) -> Blueprint:
    """A Debian with /app and a file in it."""
    (tmp_path / "image").mkdir()
    (tmp_path / "image/given.txt").write_text("given\n")
    (tmp_path / "image/Dockerfile").write_text(
        "FROM debian:12\nWORKDIR /app\nENV COLOUR=blue\nCOPY . /app/\n"
    )
    return Blueprint(tmp_path / "image")


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def sandbox(sandboxes: Sandboxes, blueprint: Blueprint, limits: Limits) -> AsyncIterator[Sandbox]:
    async with sandboxes.open(blueprint, limits) as box:
        yield box
