"""Settings of the engine process, and the command that starts SGLang with them."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.inference.settings import InferenceSettings
from services.inference.sglang import sglang_command, sglang_environment, write_keys


def test_beyond_this_machine_it_takes_a_key(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="api_key_file"):
        InferenceSettings(model_path=tmp_path, host="0.0.0.0")
    InferenceSettings(model_path=tmp_path, host="0.0.0.0", api_key_file=tmp_path / "key")
    InferenceSettings(model_path=tmp_path, host="0.0.0.0", allow_anonymous=True)


def test_sglang_cannot_pick_its_port(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="fixed port"):
        InferenceSettings(model_path=tmp_path, engine="sglang", port=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"MODEL_PATH": "/nonexistent"}, "config.json: the file does not exist"),
        ({"MODEL_PAHT": "/x", "MODEL_PATH": "/x"}, "did you mean PODIUM_INFERENCE_MODEL_PATH"),
        ({}, "PODIUM_INFERENCE_MODEL_PATH"),
    ],
)
def test_a_bad_setting_stops_the_process_by_name(values: dict[str, str], message: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODIUM_")}
    environment |= {f"PODIUM_INFERENCE_{name}": value for name, value in values.items()}
    command = [sys.executable, "-m", "services.inference"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_sglang_is_started_for_training(tmp_path: Path) -> None:
    settings = InferenceSettings(
        model_path=tmp_path,
        engine="sglang",
        port=30000,
        tensor_parallel=4,
        max_running_requests=256,
        sglang_arguments=("--attention-backend", "fa3"),
    )
    command = sglang_command(settings, None)
    assert command[:3] == ["python3", "-m", "sglang.launch_server"]
    options = dict(zip(command[3::2], command[4::2], strict=False))
    assert options["--model-path"] == str(tmp_path)
    assert options["--tensor-parallel-size"] == "4"
    assert options["--max-running-requests"] == "256"
    assert "--context-length" not in command
    assert "--enable-metrics" in command
    assert command[-2:] == ["--attention-backend", "fa3"]


def test_keys_of_sglang_are_in_a_private_file_and_not_on_its_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "admin").write_text("very secret: yes\n")
    settings = InferenceSettings(
        model_path=tmp_path, engine="sglang", port=30000, admin_token_file=tmp_path / "admin"
    )
    keys_file = write_keys(settings)
    assert keys_file is not None
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600
    assert keys_file.read_text() == 'admin-api-key: "very secret: yes"\n'
    command = sglang_command(settings, keys_file)
    assert command[3:5] == ["--config", str(keys_file)]
    assert "very secret" not in " ".join(command)


def test_sglang_gets_a_cheap_health_check_and_none_of_our_settings() -> None:
    environment = sglang_environment({"PATH": "/bin", "PODIUM_INFERENCE_ENGINE": "sglang"})
    assert environment == {"PATH": "/bin", "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "0"}
