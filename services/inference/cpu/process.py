"""Wiring of the CPU engine's process."""

import signal
import sys
from pathlib import Path

import torch

from services.inference.app import create_app
from services.inference.cpu.checkpoint import read_weights
from services.inference.cpu.config import ModelConfig, read_config
from services.inference.cpu.engine import CpuEngine
from services.inference.cpu.qwen3 import Qwen3
from services.inference.cpu.scheduler import Limits, Scheduler
from services.inference.keys import Keys
from services.inference.metrics import EngineMetrics
from services.inference.settings import InferenceSettings
from services.kit.crash import CrashPoints
from services.kit.failure import Refused
from services.kit.serve import serve
from services.rendering.tokenizer import ModelTokenizer

# The engine's thread gives up the interpreter lock at every tensor operation, some 80 a step. With
# Python's 5 ms it could wait that long for each of them while the event loop parses a request.
SWITCH_INTERVAL_S = 2e-4


def serve_cpu_engine(settings: InferenceSettings) -> None:
    """Serve until a signal. Exits with a sentence if the model folder does not fit."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    torch.set_num_threads(1)
    try:
        scheduler = build_scheduler(settings)
    except Refused as refused:
        sys.exit(f"{refused.detail}; {refused.remedy}")
    tokenizer = read_tokenizer(settings.model_path)
    decode = None if tokenizer is None else tokenizer.decode
    engine = CpuEngine(scheduler, settings.model_path, decode, on_crash=stop_process)
    keys = Keys(read_key(settings.api_key_file), read_key(settings.admin_token_file))
    crash, limits = CrashPoints(settings.crash_at), settings.limits
    app = create_app(engine, tokenizer, EngineMetrics(), keys, settings.health_timeout_s, crash, limits)
    serve(app, settings.host, settings.port, settings.ready_file, settings.tls)


def stop_process() -> None:
    """End as on a signal: an engine that cannot sample is for its supervisor to start again."""
    signal.raise_signal(signal.SIGTERM)


def build_scheduler(settings: InferenceSettings) -> Scheduler:
    """The model of the settings, ready to step. Raises Refused if the folder does not fit."""
    config = read_config(settings.model_path)
    limits = Limits(settings.max_running_requests or 64, settings.max_total_tokens or 131_072)
    config = within(config, limits, settings.context_length)
    model = Qwen3(config, read_weights(settings.model_path, config))
    return Scheduler(model, limits, settings.weight_version, settings.seed)


def within(config: ModelConfig, limits: Limits, context_length: int | None) -> ModelConfig:
    """The configuration with a context that one request can fill without breaking the budget."""
    wanted = context_length or config.context_length
    if wanted > config.context_length:
        raise Refused(
            f"context_length {wanted} is longer than the model's {config.context_length}",
            field="context_length",
            remedy="give less, or nothing",
        )
    return config.with_context(min(wanted, limits.max_total_tokens))


def read_tokenizer(folder: Path) -> ModelTokenizer | None:
    return ModelTokenizer(folder) if (folder / "tokenizer.json").exists() else None


def read_key(file: Path | None) -> str | None:
    return None if file is None else file.read_text().strip()
