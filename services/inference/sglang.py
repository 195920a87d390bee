"""Becomes the real SGLang server, with the flags that training needs and its keys off the command line."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from services.inference.settings import InferenceSettings


def become_sglang(settings: InferenceSettings) -> NoReturn:
    """Replace this process by SGLang; a supervisor then signals SGLang itself."""
    command = sglang_command(settings, write_keys(settings))
    os.execvpe(command[0], command, sglang_environment(os.environ))


def sglang_command(settings: InferenceSettings, keys_file: Path | None) -> list[str]:
    """The command line: prefix cache on, weight updates from disk, log-probs as trained on."""
    command = [settings.sglang_python, "-m", "sglang.launch_server"]
    if keys_file is not None:
        command += ["--config", str(keys_file)]
    flags: dict[str, object | None] = {
        "model-path": settings.model_path,
        "host": settings.host,
        "port": settings.port,
        "weight-version": settings.weight_version,
        "tensor-parallel-size": settings.tensor_parallel,
        "data-parallel-size": settings.data_parallel,
        "log-level": settings.log_level.lower(),
        "random-seed": settings.seed,
        "max-running-requests": settings.max_running_requests,
        "max-total-tokens": settings.max_total_tokens,
        "context-length": settings.context_length,
        "mem-fraction-static": settings.memory_fraction,
    }
    for name, value in flags.items():
        if value is not None:
            command += [f"--{name}", str(value)]
    # Each streamed chunk is then only what is new; ours and SGLang's default repeat everything.
    command += ["--enable-metrics", "--incremental-streaming-output"]
    return [*command, *settings.sglang_arguments]


def sglang_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment without our settings, with a health check that does not wait for a token.

    SGLang's default check samples one, takes a second, and fails while generation is paused.
    """
    kept = {name: value for name, value in inherited.items() if not name.startswith("PODIUM_")}
    return {**kept, "SGLANG_ENABLE_HEALTH_ENDPOINT_GENERATION": "0"}


def write_keys(settings: InferenceSettings) -> Path | None:
    """A configuration file that only this user can read: a command line is open to everybody."""
    named = {"api-key": settings.api_key_file, "admin-api-key": settings.admin_token_file}
    keys = {name: file.read_text().strip() for name, file in named.items() if file is not None}
    if not keys:
        return None
    handle, path = tempfile.mkstemp(prefix="podium-sglang-", suffix=".yaml")
    with os.fdopen(handle, "w") as file:
        file.writelines(f"{name}: {json.dumps(key)}\n" for name, key in keys.items())
    return Path(path)
