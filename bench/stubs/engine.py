"""`python -m bench.stubs.engine READY_FILE`: the control routes of an engine with nothing to do."""

import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.kit.serve import serve


def create_app() -> FastAPI:
    """Holds whatever weights it is told to hold."""
    app = FastAPI()
    held = {"model_path": "stub", "weight_version": "default"}

    @app.get("/model_info")
    async def model_info() -> dict[str, str]:
        return held

    @app.get("/v1/loads")
    async def loads() -> dict[str, Any]:
        return {"loads": [{"num_running_reqs": 0, "num_waiting_reqs": 0, "gen_throughput": 0.0}]}

    @app.post("/pause_generation")
    @app.post("/continue_generation")
    async def switch() -> dict[str, str]:
        return {"status": "ok", "message": ""}

    @app.post("/update_weights_from_disk")
    async def update(body: dict[str, Any]) -> dict[str, Any]:
        held["weight_version"] = body["weight_version"]
        return {"success": True, "message": "", "num_paused_requests": 0}

    return app


if __name__ == "__main__":
    serve(create_app(), "127.0.0.1", 0, Path(sys.argv[1]))
