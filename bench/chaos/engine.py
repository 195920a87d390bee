"""`python -m bench.chaos.engine PORT`: the control routes of an engine that always serves."""

import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.kit.serve import serve


def create_app() -> FastAPI:
    app = FastAPI()

    @app.get("/model_info")
    async def model_info() -> dict[str, str]:
        return {"model_path": "stub", "weight_version": "0"}

    @app.get("/v1/loads")
    async def loads() -> dict[str, Any]:
        return {"loads": [{"num_running_reqs": 0, "num_waiting_reqs": 0, "gen_throughput": 0.0}]}

    @app.post("/continue_generation")
    async def resume() -> dict[str, str]:
        return {"status": "ok", "message": ""}

    return app


if __name__ == "__main__":
    serve(create_app(), "127.0.0.1", int(sys.argv[1]), Path(sys.argv[2]))
