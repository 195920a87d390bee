"""Settings of a real process: what is misspelt or does not fit stops it, by name."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
from pathlib import Path
from pydantic_settings import SettingsConfigDict
from services.kit.settings import ProcessSettings, load_settings

class Demo(ProcessSettings):
    model_config = SettingsConfigDict(env_prefix="PODIUM_GATEWAY_")
    port: int = 0
    secret_file: Path
    families: tuple[str, ...] = ()

settings = load_settings(Demo)
try:
    settings.port = 1
except Exception as error:
    print(settings.port, settings.secret_file, type(error).__name__)
"""


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PODIUM_")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=clean | variables, capture_output=True, text=True, timeout=30
    )


def test_settings_are_read_and_frozen() -> None:
    done = run(PODIUM_GATEWAY_PORT="81", PODIUM_GATEWAY_SECRET_FILE="s", PODIUM_LEARNER_STEPS="3")
    assert done.stdout.split() == ["81", "s", "ValidationError"], done.stderr


def test_an_empty_variable_counts_as_none() -> None:
    done = run(PODIUM_GATEWAY_PORT="", PODIUM_GATEWAY_SECRET_FILE="s")
    assert done.stdout.split()[:2] == ["0", "s"], done.stderr


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"PODIUM_GATEWAY_PROT": "81"},
            "unknown setting PODIUM_GATEWAY_PROT: did you mean PODIUM_GATEWAY_PORT?",
        ),
        (
            {"podium_gateway_prot": "81"},
            "unknown setting podium_gateway_prot: did you mean PODIUM_GATEWAY_PORT?",
        ),
        (
            {"PODIUM_GATEWEY_PORT": "81"},
            "unknown setting PODIUM_GATEWEY_PORT: did you mean PODIUM_GATEWAY_PORT?",
        ),
        ({"PODIUM_GATEWAY_PORT": "many"}, "setting PODIUM_GATEWAY_PORT='many': "),
        ({"PODIUM_GATEWAY_FAMILIES": "qwen"}, "families"),
    ],
)
def test_what_does_not_fit_stops_the_process_by_name(variables: dict[str, str], sentence: str) -> None:
    done = run(PODIUM_GATEWAY_SECRET_FILE="s", **variables)
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_every_mistake_is_told_at_once() -> None:
    done = run(PODIUM_GATEWAY_PROT="81", PODIUM_GATEWAY_PORT="many")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3
    assert "setting PODIUM_GATEWAY_SECRET_FILE is missing" in done.stderr
