"""Health, readiness, what is served, and how loaded it is."""

import asyncio
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response

from services.inference.cpu.engine import CpuEngine
from services.inference.cpu.load import Load
from services.inference.wire.prompt import Prompt
from services.inference.wire.sampling import SamplingParams

SGLANG_VERSION = "0.5.23"  # whose protocol this engine speaks


def info_routes(engine: CpuEngine, health_timeout_s: float) -> APIRouter:
    router = APIRouter()
    tokenizer_path = str(engine.model_path)
    started = int(time.time())

    @router.get("/health")
    @router.get("/ready")
    async def health() -> Response:
        """200 while the engine's thread lives, also when it is paused."""
        return Response(status_code=200 if engine.healthy else 503)

    @router.get("/health_generate")
    async def health_generate() -> Response:
        """200 once a token has been sampled; 503 if that takes too long, as it does when paused."""
        try:
            async with asyncio.timeout(health_timeout_s):
                await engine.generate([_probe()])
        except TimeoutError:
            return Response(status_code=503)
        return Response()

    @router.get("/model_info")
    @router.get("/get_model_info")
    async def model_info() -> dict[str, Any]:
        return _model(engine, tokenizer_path)

    @router.get("/server_info")
    @router.get("/get_server_info")
    async def server_info() -> dict[str, Any]:
        return _server(engine, tokenizer_path, await engine.load())

    @router.get("/v1/loads")
    async def loads() -> dict[str, Any]:
        """What runs and waits, in requests and tokens."""
        return _loads(await engine.load())

    @router.get("/v1/models")
    async def models() -> dict[str, Any]:
        return _models(engine, started)

    return router


def _model(engine: CpuEngine, tokenizer_path: str) -> dict[str, Any]:
    return {
        "model_path": str(engine.model_path),
        "served_model_name": str(engine.model_path),
        "tokenizer_path": tokenizer_path,
        "is_generation": True,
        "preferred_sampling_params": None,
        "weight_version": engine.weight_version,
        "load_format": "auto",
        "reasoning_parser": None,
        "tool_call_parser": None,
        "disaggregation_mode": "null",
        "has_image_understanding": False,
        "has_audio_understanding": False,
        "model_type": engine.config.model_type,
        "architectures": list(engine.config.architectures),
    }


def _server(engine: CpuEngine, tokenizer_path: str, load: Load) -> dict[str, Any]:
    return {
        "model_path": str(engine.model_path),
        "tokenizer_path": tokenizer_path,
        "served_model_name": str(engine.model_path),
        "weight_version": engine.weight_version,
        "device": "cpu",
        "dtype": "float32",
        "tp_size": 1,
        "dp_size": 1,
        "page_size": 1,
        "disable_radix_cache": False,
        "incremental_streaming_output": False,
        "context_length": engine.config.context_length,
        "max_running_requests": load.max_running_requests,
        "max_total_tokens": load.max_total_tokens,
        "max_total_num_tokens": load.max_total_tokens,
        "max_req_input_len": engine.config.context_length - 1,
        "internal_states": [{"last_gen_throughput": load.tokens_per_second}],
        "version": SGLANG_VERSION,
        "frontend": "podium",
        "status": "ready" if engine.healthy else "unhealthy",
    }


def _models(engine: CpuEngine, started: int) -> dict[str, Any]:
    name, length = str(engine.model_path), engine.config.context_length
    model = {"id": name, "object": "model", "created": started, "owned_by": "podium", "root": name}
    return {"object": "list", "data": [model | {"parent": None, "max_model_len": length}]}


def _loads(load: Load) -> dict[str, Any]:
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "version": SGLANG_VERSION,
        "accelerator": None,
        "num_accelerators": 1,
        "loads": [_rank(load)],
    }


def _probe() -> Prompt:
    return Prompt(
        rid=f"health-{uuid.uuid4().hex}",
        ids=(0,),
        sampling=SamplingParams(max_new_tokens=1, temperature=0.0),
        max_new_tokens=1,
        return_logprob=False,
        score_from=None,
        return_text_in_logprobs=False,
        return_prompt_token_ids=False,
        stream=False,
        extra_key=None,
    )


def _rank(load: Load) -> dict[str, Any]:
    prompts = load.totals.prompt_tokens
    return {
        "timestamp": time.time(),
        "dp_rank": 0,
        "num_running_reqs": load.running,
        "num_waiting_reqs": load.waiting,
        "num_waiting_uncached_tokens": load.waiting_tokens,
        "num_used_tokens": load.used_tokens,
        "num_total_tokens": load.used_tokens + load.waiting_tokens,
        "num_active_tokens": load.used_tokens,
        "max_total_num_tokens": load.max_total_tokens,
        "max_running_requests": load.max_running_requests,
        "token_usage": round(load.used_tokens / load.max_total_tokens, 4),
        "gen_throughput": round(load.tokens_per_second, 2),
        "cache_hit_rate": round(load.totals.cached_tokens / prompts, 4) if prompts else 0.0,
        "utilization": round(load.running / load.max_running_requests, 4),
        "total_prefill_uncached_tokens": prompts - load.totals.cached_tokens,
        "queues": {"waiting": load.waiting, "grammar": 0, "paused": 0, "retracted": 0, "prealloc_ready": 0},
    }
