"""Every probe is blocked by every form of the sandbox, and what stands beside the probed one goes on."""

import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bench.sandbox.probes import OWN, PROBES, ROOT_PROBES, unless
from bench.sandbox.trap import listening, trap
from services.sandbox.port import Blueprint, Sandbox, Sandboxes
from tests.services.sandbox.conftest import form


@pytest_asyncio.fixture(
    loop_scope="module",
    scope="module",
    params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)],
)
async def sandboxes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sandboxes]:
    """Without the host, which adds nothing that a probe could find."""
    async with form(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made


@pytest.fixture(scope="module")
def listener() -> Iterator[int]:
    with listening() as port:
        yield port


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def probed(
    sandboxes: Sandboxes, blueprint: Blueprint, listener: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Sandbox, Sandbox]]:
    async with trap(sandboxes, blueprint, tmp_path_factory.mktemp("host"), listener) as boxes:
        yield boxes


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("probe", PROBES)
async def test_blocked(probed: tuple[Sandbox, Sandbox], probe: str) -> None:
    box, _ = probed
    result = await box.run(f"cd $(mktemp -d); ( {PROBES[probe]} ); rm -rf $PWD; cd /app", 30)
    assert result.output.endswith("BLOCKED\n"), result


@pytest.mark.asyncio(loop_scope="module")
async def test_the_neighbour_goes_on(probed: tuple[Sandbox, Sandbox]) -> None:
    """Runs after all probes."""
    _, neighbour = probed
    result = await neighbour.run("cat /tmp/neighbours; grep -lx sleep /proc/[0-9]*/comm | wc -l", 10)
    assert result.output == "mine\n1\n"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rooted(
    blueprint: Blueprint, listener: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Sandbox, Sandbox]]:
    """As the tasks of terminal and swe run: root of an image that may be written."""
    folder, task = tmp_path_factory.mktemp("rooted"), replace(blueprint, user="0", read_only_root=False)
    async with form("docker", folder) as made, trap(made, task, folder, listener) as boxes:
        yield boxes


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("probe", ROOT_PROBES)
async def test_blocked_for_root(rooted: tuple[Sandbox, Sandbox], probe: str) -> None:
    box, _ = rooted
    result = await box.run(f"cd $(mktemp -d); ( {ROOT_PROBES[probe]} ); rm -rf $PWD; cd /app", 30)
    assert result.output.endswith("BLOCKED\n"), result


@pytest.mark.docker
@pytest.mark.asyncio(loop_scope="module")
async def test_what_root_writes_stays_in_its_box(rooted: tuple[Sandbox, Sandbox]) -> None:
    box, neighbour = rooted
    own = " ".join(OWN)
    assert (await box.run(f"touch {own} && ls {own} | wc -l", 10)).output == f"{len(OWN)}\n"
    assert (await neighbour.run(f"ls {own} 2>/dev/null | wc -l; cat /tmp/neighbours", 10)).output == (
        "0\nmine\n"
    )


def test_the_probes_themselves_work_outside(listener: int, tmp_path: Path) -> None:
    """The listener answers, and a script that succeeds says so."""
    with socket.create_connection(("127.0.0.1", listener), timeout=5):
        pass
    (tmp_path / "file").touch()
    outside = {"PORT": str(listener), "GATEWAY": "127.0.0.1", "HOST_FILE": str(tmp_path / "file")}
    for script in (
        unless("true"),
        PROBES["a server on the machine's loopback"],
        PROBES["the orchestrator, by the gateway's address"],
        PROBES["host file through its path"],
    ):
        ran = subprocess.run(
            ["bash", "-c", script], env={**os.environ, **outside}, capture_output=True, check=True
        )
        assert ran.stdout == b"ESCAPED\n"
