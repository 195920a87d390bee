"""What every test shares: real servers, a signing secret, and what to do when a part is missing."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Generator
from functools import cache
from pathlib import Path

import pytest

from services.kit.access import Signer

pytest_plugins = ["tests.parallel", "tests.servers"]

_SECRET = "a secret for tests of at least 32 characters"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with the secret that `signer` signs with."""
    path = tmp_path / "secret"
    path.write_text(_SECRET)
    return path


@pytest.fixture
def signer(secret_file: Path) -> Signer:
    return Signer.from_file(secret_file)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers():
        reason = missing_part(marker.name)
        if reason:
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With PODIUM_TEST_NO_SKIP=1 a skipped test has failed: nothing that CI should show goes unseen."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("PODIUM_TEST_NO_SKIP") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"PODIUM_TEST_NO_SKIP=1: {item.nodeid} must run, but {reason}"
    return report


@cache
def missing_part(marker: str) -> str | None:
    """Why tests with this marker cannot run here, or None."""
    match marker:
        case "sglang":
            command = shlex.split(os.environ.get("PODIUM_TEST_SGLANG", ""))
            if not command:
                return "PODIUM_TEST_SGLANG is not set to a command that starts SGLang with MODEL PORT"
            return None if shutil.which(command[0]) else f"PODIUM_TEST_SGLANG: no program {command[0]}"
        case "docker" | "compose":
            return None if _docker_answers() else "no Docker Engine answers"
        case "chromium":
            return None if shutil.which("chromium") else "no program chromium"
        case "node":
            return None if shutil.which("node") else "no program node"
        case "prometheus":
            lacking = [name for name in ("prometheus", "promtool") if not shutil.which(name)]
            return f"no program {lacking[0]}" if lacking else None
    return None


def _docker_answers() -> bool:
    if not shutil.which("docker"):
        return False
    question = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(question, capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
