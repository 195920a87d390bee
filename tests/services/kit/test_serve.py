"""A served process tells its address, shows its metrics and stops cleanly on either signal."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from services.kit.serve import raise_file_limit

PROGRAM = """
import sys
from pathlib import Path
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter
from services.kit.metrics import mount_metrics
from services.kit.serve import serve

app, registry = FastAPI(), CollectorRegistry()
Counter("podium_turns", "Turns", registry=registry).inc()
mount_metrics(app, registry)
serve(app, "127.0.0.1", 0, Path(sys.argv[1]))
"""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(tmp_path: Path, stop: signal.Signals) -> None:
    ready = tmp_path / "ready"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(ready)], stderr=subprocess.PIPE, text=True
    ) as process:
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.02)
        reply = httpx.get(f"{ready.read_text()}/metrics", trust_env=False)
        assert "podium_turns_total 1.0" in reply.text
        process.send_signal(stop)
        _, errors = process.communicate(timeout=10)
    assert process.returncode in (0, -stop)
    assert "Traceback" not in errors


def test_the_file_limit_is_raised_and_never_lowered() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        raise_file_limit(4096)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(4096, before[1])
        raise_file_limit(2048)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(4096, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
