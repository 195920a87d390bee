"""Every form of the sandbox, for tests of the contract: a new form is one more name here.

A form is made once for a file, and with it one box that tests share: each finds it as it was at first.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from services.kit.access import Claims, Scope, Signer
from services.kit.serve import serving
from services.sandbox.archive import archive_of
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.docker.sandboxes import DockerSandboxes
from services.sandbox.host.app import create_app
from services.sandbox.host.archives import Archives
from services.sandbox.host.bounds import Bounds
from services.sandbox.host.boxes import Boxes
from services.sandbox.host.metrics import HostMetrics
from services.sandbox.port import MIB, Blueprint, Limits, Sandbox, Sandboxes
from services.sandbox.remote import HostSandboxes
from services.sandbox.wire import HostCard

FORMS = ("bubblewrap", "docker", "host")
MARKS = {"docker": (pytest.mark.docker,)}
FILES = {
    "given.txt": b"given\n",
    "Dockerfile": b"FROM python:3.11-slim\nWORKDIR /app\nENV COLOUR=blue\nCOPY . /app/\n",
}
SIGNER = Signer("a secret for tests of at least 32 characters")
BOUNDS = Bounds(memory_bytes=2048 * MIB, work_bytes=512 * MIB, processes=512, cpus=2.0)


@asynccontextmanager
async def serving_host(
    folder: Path, lease_s: float = 15.0, capacity: int = 8, inner: Sandboxes | None = None
) -> AsyncIterator[str]:
    """The address of a host of bubblewrap boxes, or of others."""
    inner, metrics, ready = inner or BubblewrapSandboxes(), HostMetrics(), folder / "ready"
    app = create_app(
        sandboxes=inner,
        card=HostCard(kind="bubblewrap"),
        boxes=Boxes(inner, capacity, lease_s, metrics),
        archives=Archives(folder / "archives", 256 * MIB),
        bounds=BOUNDS,
        signer=SIGNER,
        metrics=metrics,
        body_bytes=64 * MIB,
    )
    async with serving(app, "127.0.0.1", 0, ready):
        while not ready.exists():
            await asyncio.sleep(0.01)
        yield ready.read_text()
        ready.unlink()


def token(scope: Scope = Scope.SANDBOX) -> str:
    return SIGNER.mint(Claims(scope), 600)


@asynccontextmanager
async def form(name: str, folder: Path) -> AsyncIterator[Sandboxes]:
    if name == "host":
        async with serving_host(folder) as url:
            remote = HostSandboxes(url, token())
            await remote.verify()
            async with remote.running():
                yield remote
        return
    made: Sandboxes = BubblewrapSandboxes() if name == "bubblewrap" else DockerSandboxes()
    async with made.running():
        yield made


@pytest_asyncio.fixture(
    loop_scope="module",
    scope="module",
    params=[pytest.param(name, marks=MARKS.get(name, ())) for name in FORMS],
)
async def sandboxes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sandboxes]:
    async with form(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made


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
