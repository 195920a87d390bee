"""The environment in JavaScript keeps the contract, and its rewards follow the model's answer."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.cli.conformance.checks.manifest import manifest_fits
from services.cli.conformance.scene import Place, scene
from services.kit.ports import free_port

SUMS = Path(__file__).resolve().parents[3] / "environments" / "examples" / "sums.mjs"
PODIUM = (sys.executable, "-m", "services.cli")

pytestmark = pytest.mark.node


@contextmanager
def serving_sums(folder: Path, port: int, orchestrator_port: int) -> Iterator[None]:
    """The example, started the way its README says."""
    node = shutil.which("node")
    assert node is not None
    token = folder / "token"
    token.write_text("environment-token\n")
    variables = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "PODIUM_ORCHESTRATOR_URL": f"http://127.0.0.1:{orchestrator_port}",
        "PODIUM_TOKEN_FILE": str(token),
    }
    with subprocess.Popen([node, str(SUMS)], env=variables, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def test_it_passes_the_conformance_suite(tmp_path: Path) -> None:
    port, orchestrator_port = free_port(), free_port()
    with serving_sums(tmp_path, port, orchestrator_port):
        url = f"http://127.0.0.1:{port}"
        told = subprocess.run(
            [*PODIUM, "env", "check", url, "--json", "--orchestrator-port", str(orchestrator_port)],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    report = json.loads(told.stdout)
    failed = [check for check in report["checks"] if check["verdict"] != "passed"]
    assert failed == []
    assert told.returncode == 0
    assert report["passed"] == len(report["checks"]) > 20
    assert report["failed"] == 0


@pytest.mark.parametrize(("off_by", "reward"), [(0, 1.0), (1, 0.0)])
async def test_the_reward_is_that_of_the_answer(tmp_path: Path, off_by: int, reward: float) -> None:
    async def model(body: dict[str, Any]) -> dict[str, Any]:
        a, b = re.findall(r"\d+", body["messages"][0]["content"])
        return {"role": "assistant", "content": f" {int(a) + int(b) + off_by}\n"}

    port, orchestrator_port = free_port(), free_port()
    place = Place(f"http://127.0.0.1:{port}", port=orchestrator_port, plays_orchestrator=True)
    with serving_sums(tmp_path, port, orchestrator_port):
        async with scene(place) as stage:
            await manifest_fits.visit(stage)
            outcome = await stage.outcome(await stage.accepted(stage.request(model)))
    assert (outcome.cause, outcome.reward) == ("completed", reward)
    assert outcome.components == {"correct": reward}
