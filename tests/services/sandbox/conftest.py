"""Every form of the sandbox, for tests of the contract: a new form is one more name here.

A form is made once for a file, and with it one box that tests share: each finds it as it was at first.
"""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from services.sandbox.archive import archive_of
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.docker.sandboxes import DockerSandboxes
from services.sandbox.port import Blueprint, Limits, Sandbox, Sandboxes

FORMS: dict[str, Callable[[], Sandboxes]] = {"bubblewrap": BubblewrapSandboxes, "docker": DockerSandboxes}
FILES = {
    "given.txt": b"given\n",
    "Dockerfile": b"FROM python:3.11-slim\nWORKDIR /app\nENV COLOUR=blue\nCOPY . /app/\n",
}
MARKS = {"docker": (pytest.mark.docker,)}


@pytest_asyncio.fixture(
    loop_scope="module",
    scope="module",
    params=[pytest.param(name, marks=MARKS.get(name, ())) for name in sorted(FORMS)],
)
async def sandboxes(request: pytest.FixtureRequest) -> AsyncIterator[Sandboxes]:
    form = FORMS[request.param]()
    async with form.running():
        yield form


@pytest.fixture(scope="module")
def blueprint(tmp_path_factory: pytest.TempPathFactory) -> Blueprint:
    """A Debian with /app and a file in it."""
    folder = tmp_path_factory.mktemp("image")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return Blueprint(folder, read_only_root=True, writable=("/data",))


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(sandboxes: Sandboxes, blueprint: Blueprint) -> AsyncIterator[Sandbox]:
    async with sandboxes.open(blueprint, Limits()) as box:
        yield box


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox(shared: Sandbox) -> Sandbox:
    await shared.reset()
    await shared.run("find /app /tmp /data -mindepth 1 -delete 2>/dev/null", 10)
    await shared.put(archive_of(dict(FILES)), "/app")
    return shared
