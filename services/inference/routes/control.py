"""Pauses, aborts and the cache: what an orchestrator does to requests in flight."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from services.inference.cpu.engine import CpuEngine
from services.inference.wire.control import (
    AbortRequest,
    ContinueGeneration,
    PauseGeneration,
    parse_control,
)
from services.inference.wire.schema import body_of

FLUSHED = (
    "Cache flushed.\nPlease check backend logs for more details. "
    "(When there are running or waiting requests, the operation will not be performed.)\n"
)


def control_routes(engine: CpuEngine) -> APIRouter:
    router = APIRouter()

    @router.post("/abort_request", openapi_extra=body_of(AbortRequest))
    async def abort_request(request: Request) -> Response:
        """Abort a live request and all whose id begins with its id; or everything."""
        body = parse_control(await request.body(), AbortRequest)
        if body.abort_all:
            await engine.abort_all()
        elif body.rid:
            await engine.abort(body.rid)
        return Response()

    @router.post("/pause_generation", openapi_extra=body_of(PauseGeneration))
    async def pause_generation(request: Request) -> dict[str, str]:
        """Hold new requests back; abort, retract or freeze those in flight."""
        await engine.pause(parse_control(await request.body(), PauseGeneration).mode)
        return {"message": "Generation paused successfully.", "status": "ok"}

    @router.post("/continue_generation", openapi_extra=body_of(ContinueGeneration))
    async def continue_generation(request: Request) -> dict[str, str]:
        parse_control(await request.body(), ContinueGeneration)
        await engine.resume()
        return {"message": "Generation continued successfully.", "status": "ok"}

    @router.get("/flush_cache")
    @router.post("/flush_cache")
    async def flush_cache() -> Response:
        """Forget cached prefixes, unless something runs."""
        if await engine.flush_cache():
            return PlainTextResponse(FLUSHED)
        return PlainTextResponse("Flush cache failed.\n", 400)

    return router
