"""A machine full of secrets with a sandbox on it, and another sandbox beside that one."""

import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from bench.sandbox.probes import CANARY
from services.sandbox.port import Blueprint, Limits, Sandbox, Sandboxes

_SECRET = "PODIUM_TEST_SECRET"


@contextmanager
def listening() -> Iterator[int]:
    """The port of a server on all of this machine's addresses, and an abstract socket, that answer anyone."""
    with socket.create_server(("0.0.0.0", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0podium-probe-{server.getsockname()[1]}")
        abstract.listen()
        for one in (server, abstract):
            threading.Thread(target=_accept, args=(one,), daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:  # closing alone would not wake who accepts
            server.shutdown(socket.SHUT_RDWR)
            abstract.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def trap(
    sandboxes: Sandboxes, blueprint: Blueprint, folder: Path, port: int
) -> AsyncIterator[tuple[Sandbox, Sandbox]]:
    """A sandbox for probes, and its neighbour. `folder` is the machine's, and gets a secret."""
    with _secrets(folder) as secret:
        async with (
            sandboxes.open(blueprint, Limits()) as neighbour,
            sandboxes.open(blueprint, Limits()) as box,
        ):
            await neighbour.run("echo mine > /tmp/neighbours; (setsid sleep 24680 &)", 5)
            facts = f"HOST_FILE={secret} HOST_FOLDER={folder} NEIGHBOURS_FILE=/tmp/neighbours"
            await box.run(f"export {facts} NEIGHBOURS_MARK=24680 PORT={port} GATEWAY={own_address()}", 5)
            yield box, neighbour


@contextmanager
def _secrets(folder: Path) -> Iterator[Path]:
    """In the environment, in a file, and in a descriptor that children would inherit."""
    secret = folder / "secret.txt"
    secret.write_text(CANARY)
    descriptor = os.open(secret, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    os.environ[_SECRET] = CANARY
    try:
        yield secret
    finally:
        os.environ.pop(_SECRET, None)  # another trap may have ended first
        os.close(descriptor)


def own_address() -> str:
    """An address of this machine that is not its loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return
