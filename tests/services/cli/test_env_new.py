"""What `podium env new` writes keeps the contract as it is, and rewards what is right."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from environments.settings import FAMILIES
from services.cli.authoring.new import new as write_new
from services.cli.conformance.checks.manifest import manifest_fits
from services.cli.conformance.scene import Place, scene
from services.kit.ports import free_port
from tests.services.cli.own_environment import PODIUM, new, serving


def test_it_passes_the_conformance_suite(tmp_path: Path) -> None:
    told = new(tmp_path, "chess_moves")
    assert told.returncode == 0, told.stderr
    written = [file.read_text() for file in (tmp_path / "chess_moves").iterdir()]
    assert not any("letters.environment" in text for text in written)
    orchestrator_port = free_port()
    with serving(tmp_path, "chess_moves", orchestrator_port) as url:
        command = [*PODIUM, "env", "check", url, "--json", "--orchestrator-port", str(orchestrator_port)]
        checked = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    report = json.loads(checked.stdout)
    failed = [check for check in report["checks"] if check["verdict"] != "passed"]
    assert failed == [], (tmp_path / "log").read_text()


@pytest.mark.parametrize(("off_by", "reward"), [(0, 1.0), (1, 0.0)])
async def test_the_reward_is_that_of_the_answer(tmp_path: Path, off_by: int, reward: float) -> None:
    async def model(body: dict[str, Any]) -> dict[str, Any]:
        asked = re.search(r"letter (\w) in (\w+)", body["messages"][1]["content"])
        assert asked is not None
        if body["messages"][-1]["role"] == "user":
            call = {"name": "spell", "arguments": json.dumps({"word": asked[2]})}
            called = {"id": "1", "type": "function", "function": call}
            return {"role": "assistant", "content": None, "tool_calls": [called]}
        letters = body["messages"][-1]["content"].splitlines()
        return {"role": "assistant", "content": str(letters.count(asked[1]) + off_by)}

    assert new(tmp_path, "budget").returncode == 0
    orchestrator_port = free_port()
    with serving(tmp_path, "budget", orchestrator_port) as url:
        place = Place(url, port=orchestrator_port, plays_orchestrator=True, patience_s=30.0)
        async with scene(place) as stage:
            await manifest_fits.visit(stage)
            outcome = await stage.outcome(await stage.accepted(stage.request(model)))
    assert (outcome.cause, outcome.reward) == ("completed", reward), outcome.error


PACKAGES = ("json", "typing", "bench", "deploy", "tests", "services", "httpx", "numpy")
UNFIT = {
    **dict.fromkeys(("Chess", "my-chess", "../up", "", "9x"), "take lower-case letters, digits and _"),
    "class": "it is a word of Python's; choose another, such as class_tasks",
    **{name: f"it is a family of Podium's; choose another, such as {name}_tasks" for name in FAMILIES},
    **{name: f"its folder would hide the Python package {name}; choose another" for name in PACKAGES},
}


@pytest.mark.parametrize(("name", "why"), UNFIT.items())
def test_what_cannot_be_a_name_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        write_new(name, tmp_path)
    assert ended.value.code == 2
    assert f"NAME {name!r} cannot name an environment: {why}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "chess").mkdir()
    told = new(tmp_path, "chess")
    assert (told.returncode, "exists: choose another name" in told.stderr) == (2, True)
    assert list((tmp_path / "chess").iterdir()) == []
