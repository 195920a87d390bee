"""The python tool in a real sandbox."""

from collections.abc import AsyncIterator

import pytest

from environments.search.tools.python import SANDBOX, SandboxPython
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import Limits


@pytest.fixture
async def python() -> AsyncIterator[SandboxPython]:
    async with SandboxPython(BubblewrapSandboxes(), Limits(output_bytes=2_000), timeout_s=2.0) as runner:
        yield runner


async def test_programs_print_and_fail(python: SandboxPython) -> None:
    BubblewrapSandboxes().check(SANDBOX)
    assert await python.run("print('it\\'s', 6 * 7)") == "it's 42\n"
    failed = await python.run("1 / 0")
    assert "ZeroDivisionError" in failed
    assert failed.endswith("[exit 1]")


async def test_nothing_is_kept_and_nothing_is_reached(python: SandboxPython) -> None:
    await python.run("x = 1")
    assert "NameError" in await python.run("print(x)")
    probe = "import socket; socket.create_connection(('127.0.0.1', 22), 1)"
    assert "Error" in await python.run(probe)
    assert "left out" in await python.run("print('x' * 100_000)")


async def test_a_program_that_does_not_end_is_stopped(python: SandboxPython) -> None:
    assert (await python.run("while True: pass")).endswith("[stopped after 2 s]")
    assert await python.run("print('again')") == "again\n"
