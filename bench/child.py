"""Child processes of a benchmark: started, waited for, and always ended."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_S = 180.0  # of a machine that has other things to do


@contextmanager
def child(
    module: str,
    ready_file: Path,
    arguments: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    start_s: float = _START_S,
) -> Iterator[str]:
    """Run `python -m module` until it writes its address into `ready_file`; yields that address."""
    environment = {**os.environ, **(settings or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], env=environment, stdin=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + start_s
        while not ready_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{module} did not start")
            time.sleep(0.02)
        yield ready_file.read_text()
    finally:
        process.kill()  # what it held is nobody's any more
        process.wait()
