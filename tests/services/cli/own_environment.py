"""An environment of one's own, written by `podium env new` and served as its README says."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.kit.ports import free_port

PODIUM = (sys.executable, "-m", "services.cli")


def new(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [*PODIUM, "env", "new", name, "--in", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def serving(folder: Path, name: str, orchestrator_port: int) -> Iterator[str]:
    """The written environment, started the way its README says; yields its address."""
    (folder / "token").write_text("environment-token\n")
    port = free_port()
    values = {
        "FAMILY": f"{name}.environment:family",
        "PORT": str(port),
        "ORCHESTRATOR_URL": f"http://127.0.0.1:{orchestrator_port}",
        "TOKEN_FILE": "token",
        "HEARTBEAT_S": "0.2",
    }
    variables = {f"PODIUM_ENVIRONMENT_{key}": value for key, value in values.items()}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "environments"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], **variables},
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
