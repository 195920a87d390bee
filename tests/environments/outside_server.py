"""Servers of other projects in other Pythons, for tests of what adapts them."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.kit.ports import free_port

_PATIENCE_S = 90.0  # an import of a big framework on a busy machine


@contextmanager
def outside_server(python: str, script: Path, *arguments: str) -> Iterator[str]:
    """The address of `script`, run by another Python with a port as its first argument."""
    port = free_port()
    process = subprocess.Popen([python, str(script), str(port), *arguments])
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not come up")
