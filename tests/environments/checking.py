"""An environment served as a process, as its README says, and what `podium env check` finds about it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from services.kit.ports import free_port


def env_check(folder: Path, family: str, **settings: str) -> dict[str, Any]:
    """The report on `python -m environments --family …`. `settings`: variables without `PODIUM_`."""
    port, orchestrator_port = free_port(), free_port()
    (folder / "token").write_text("environment-token\n")
    values = {
        "environment_name": family,
        "environment_port": str(port),
        "environment_orchestrator_url": f"http://127.0.0.1:{orchestrator_port}",
        "environment_token_file": str(folder / "token"),
        "environment_tasks_dir": str(folder / "tasks"),
        "environment_artifacts_dir": str(folder / "artifacts"),
        "environment_heartbeat_s": "0.2",
        **settings,
    }
    variables = {f"PODIUM_{name.upper()}": value for name, value in values.items()}
    served = [sys.executable, "-m", "environments", "--family", family]
    check = [sys.executable, "-m", "services.cli", "env", "check", f"http://127.0.0.1:{port}", "--json"]
    with subprocess.Popen(served, env={"PATH": os.environ["PATH"], **variables}) as process:
        try:
            told = subprocess.run(
                [*check, "--orchestrator-port", str(orchestrator_port)],
                capture_output=True,
                text=True,
                timeout=200,
                check=False,
            )
        finally:
            process.kill()
    report: dict[str, Any] = json.loads(told.stdout)
    return report


def not_passed(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The checks that failed or were skipped."""
    return [check for check in report["checks"] if check["verdict"] != "passed"]
