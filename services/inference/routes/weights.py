"""Weights: taking new ones, labelling them, and telling which are in use."""

import hashlib
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from services.inference.cpu.engine import CpuEngine
from services.inference.metrics import EngineMetrics
from services.inference.wire.control import (
    CheckWeights,
    UpdateWeightsFromDisk,
    UpdateWeightVersion,
    parse_control,
)
from services.inference.wire.schema import body_of
from services.kit.crash import CrashPoints


def weight_routes(engine: CpuEngine, metrics: EngineMetrics, crash: CrashPoints) -> APIRouter:
    router = APIRouter()

    @router.post("/update_weights_from_disk", openapi_extra=body_of(UpdateWeightsFromDisk))
    async def update_weights_from_disk(request: Request) -> Response:
        """Take weights from a folder; `success` false with changed weights is possible, see the message."""
        body = parse_control(await request.body(), UpdateWeightsFromDisk)
        if body.abort_all_requests:
            await engine.abort_all()
        crash.reached("before_update")
        update = await engine.update_weights(
            Path(body.model_path), body.weight_version, flush=body.flush_cache
        )
        crash.reached("after_update")
        metrics.weight_update(success=update.success)
        content = {"success": update.success, "message": update.message, "num_paused_requests": 0}
        return JSONResponse(content, 200 if update.success else 400)

    @router.post("/update_weight_version", openapi_extra=body_of(UpdateWeightVersion))
    async def update_weight_version(request: Request) -> dict[str, Any]:
        """Relabel the current weights. As in SGLang, this aborts everything unless told not to."""
        body = parse_control(await request.body(), UpdateWeightVersion)
        if body.abort_all_requests:
            await engine.abort_all()
        await engine.relabel(body.new_version)
        message = f"Weight version updated to {body.new_version}"
        return {"success": True, "message": message, "new_version": body.new_version}

    @router.post("/weights_checker", openapi_extra=body_of(CheckWeights))
    async def weights_checker(request: Request) -> Response:
        """Digests of the weights in use."""
        action = parse_control(await request.body(), CheckWeights).action
        if action != "checksum":
            refused = {"success": False, "message": f"Unsupported action: {action}", "ranks": []}
            return JSONResponse(refused, 400)
        return JSONResponse(_checksums(await engine.checksums()))

    return router


def _checksums(tensors: dict[str, str]) -> dict[str, Any]:
    rank = _digest("\n".join(f"{name} {digest}" for name, digest in sorted(tensors.items())))
    parallelism = {"role": "target", "rank": 0, "size": 1}
    parallelism |= {
        f"{kind}_{word}": int(word == "size") for kind in ("tp", "dp", "pp") for word in ("rank", "size")
    }
    return {
        "success": True,
        "message": "Success.",
        "ranks": [
            {"checksums": tensors, "per_gpu_checksum": rank, "parallelism_info": [parallelism]},
        ],
        "per_engine_checksum": _digest(rank),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
