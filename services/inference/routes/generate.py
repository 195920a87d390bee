"""`POST /generate`: one reply, an array, or server-sent events; a client that leaves aborts."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from services.inference.cpu.engine import CpuEngine
from services.inference.wire.generate import GenerateBody
from services.inference.wire.prompt import Batch, Door, parse_generate
from services.inference.wire.reply import Speaker
from services.inference.wire.schema import body_of
from services.kit.crash import CrashPoints

Result = TypeVar("Result")
CLIENT_LEFT = 499


def generate_routes(engine: CpuEngine, door: Door, speaker: Speaker, crash: CrashPoints) -> APIRouter:
    router = APIRouter()

    @router.post("/generate", openapi_extra=body_of(GenerateBody))
    @router.put("/generate", openapi_extra=body_of(GenerateBody))
    async def generate(request: Request) -> Response:
        """Sample from `input_ids` or `text`: SGLang's request and reply."""
        batch = parse_generate(await request.body(), door)
        if batch.stream:
            return StreamingResponse(_events(engine, speaker, batch), media_type="text/event-stream")
        crash.reached("before_sampling")
        replies = await _while_connected(request, _replies(engine, speaker, batch))
        if replies is None:
            return Response(status_code=CLIENT_LEFT)
        crash.reached("before_reply")
        return _json(replies[0] if batch.single else replies)

    return router


async def _replies(engine: CpuEngine, speaker: Speaker, batch: Batch) -> list[dict[str, Any]]:
    started = time.perf_counter()
    generations = await engine.generate(batch.prompts)
    return [
        speaker.reply(prompt, one, engine.weight_version, started)
        for prompt, one in zip(batch.prompts, generations, strict=True)
    ]


async def _events(engine: CpuEngine, speaker: Speaker, batch: Batch) -> AsyncIterator[bytes]:
    """Cumulative replies, as SGLang streams by default, then `[DONE]`."""
    started = time.perf_counter()
    async for index, one, count in engine.stream(batch.prompts):
        tokens = None if one.finish is not None else count
        reply = speaker.reply(batch.prompts[index], one, engine.weight_version, started, tokens=tokens)
        if not batch.single:
            reply["index"] = index
        yield b"data: " + orjson.dumps(reply) + b"\n\n"
    yield b"data: [DONE]\n\n"


async def _while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result | None:
    """The result of `work`, or None once the client has left; then `work` is cancelled."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
