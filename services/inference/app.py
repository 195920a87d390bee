"""The HTTP app of the CPU engine."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.inference.cpu.engine import CpuEngine
from services.inference.keys import KeyGuard, Keys
from services.inference.metrics import EngineMetrics
from services.inference.routes.control import control_routes
from services.inference.routes.generate import generate_routes
from services.inference.routes.info import info_routes
from services.inference.routes.weights import weight_routes
from services.inference.wire.prompt import Door
from services.inference.wire.refusal import Refusal
from services.inference.wire.reply import Decode, Speaker
from services.kit.crash import CrashPoints
from services.kit.failure import Failure
from services.kit.limits import LimitRules, Limits
from services.rendering.tokenizer import ModelTokenizer


def create_app(
    engine: CpuEngine,
    tokenizer: ModelTokenizer | None,
    metrics: EngineMetrics,
    keys: Keys,
    health_timeout_s: float = 20.0,
    crash: CrashPoints | None = None,
    limits: LimitRules = LimitRules(requests_s=0.0),
) -> FastAPI:
    """Routes over `engine`, whose thread lives as long as the app."""
    crash = crash or CrashPoints()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.running():
            yield

    app = FastAPI(title="Podium inference", summary="A CPU engine with SGLang's HTTP API", lifespan=lifespan)
    app.add_middleware(KeyGuard, keys=keys)
    app.add_middleware(Limits, rules=limits)
    app.add_exception_handler(Failure, _failure)
    encode = None if tokenizer is None else tokenizer.encode
    decode = None if tokenizer is None else _decoder(tokenizer)
    door = Door(engine.config.vocabulary, engine.config.context_length, encode)
    app.include_router(generate_routes(engine, door, Speaker(decode), crash))
    app.include_router(control_routes(engine))
    app.include_router(weight_routes(engine, metrics, crash))
    app.include_router(info_routes(engine, health_timeout_s))

    @app.get("/metrics", include_in_schema=False)
    async def scrape() -> Response:
        metrics.load = await engine.load()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _decoder(tokenizer: ModelTokenizer) -> Decode:
    def decode(ids: Sequence[int], skip_special_tokens: bool) -> str:
        return tokenizer.decode(ids, skip_special_tokens=skip_special_tokens)

    return decode


async def _failure(_: Request, error: Exception) -> Response:
    """SGLang's own bodies where it has one for the case."""
    assert isinstance(error, Failure)
    body = error.body if isinstance(error, Refusal) else {"error": {"message": error.detail}}
    return JSONResponse(body, error.status)
