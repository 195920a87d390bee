"""The gateway's HTTP face: what an unmodified OpenAI client talks to."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from fastapi import Depends, FastAPI, Request, Response, Security
from fastapi.security import HTTPBearer
from starlette.routing import Route

from services.contracts.pieces import Pieces, PiecesRequest
from services.gateway.chat_reply import completion, completion_stream
from services.gateway.chat_request import parse_chat
from services.gateway.errors import ClientGone, install_errors
from services.gateway.metrics import GatewayMetrics
from services.gateway.turn import Retry, Turns
from services.kit.access import Scope, Signer
from services.kit.failure import Refused
from services.kit.limits import LimitRules, Limits
from services.kit.metrics import mount_metrics
from services.rendering.chat import ChatRenderer
from services.rendering.pieces import pieces

T = TypeVar("T")
_SCHEME = HTTPBearer(auto_error=False, description="the api_key of a rollout attempt")
_MESSAGE = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {"enum": ["system", "user", "assistant", "tool"]},
        "content": {"type": ["string", "null"]},
    },
}
_BODY = {
    "type": "object",
    "description": "OpenAI's request; what is not listed here is taken as OpenAI means it, or refused",
    "required": ["messages"],
    "properties": {
        "model": {"type": "string"},
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "tools": {"type": "array", "items": {"type": "object"}},
        "stream": {"type": "boolean"},
        "max_tokens": {"type": "integer", "minimum": 1},
    },
}
_CHAT = {"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}}

_MOST_IDS = 1_000_000


def create_app(
    *,
    turns: Turns,
    signer: Signer,
    renderer: ChatRenderer,
    metrics: GatewayMetrics,
    model_name: str,
    limits: LimitRules = LimitRules(),
    lifetimes: Sequence[AbstractAsyncContextManager[Any]] = (),
) -> FastAPI:
    """The app; `lifetimes` are opened in their order when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for lifetime in lifetimes:
                await stack.enter_async_context(lifetime)
            yield

    app = FastAPI(
        title="Podium gateway",
        description="The model as agents see it. The API key is a capability for one rollout attempt.",
        lifespan=lifespan,
    )
    install_errors(app, metrics)
    app.add_middleware(Limits, rules=limits)
    mount_metrics(app, metrics.registry)

    _add_chat(app, turns, signer, renderer, metrics, model_name)
    _add_models(app, signer, model_name)
    _add_pieces(app, signer, renderer)

    @app.get("/healthz", summary="Whether this process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _add_chat(
    app: FastAPI,
    turns: Turns,
    signer: Signer,
    renderer: ChatRenderer,
    metrics: GatewayMetrics,
    model_name: str,
) -> None:
    """The route of every turn."""

    @app.post(
        "/v1/chat/completions",
        summary="One model call, recorded before its reply",
        dependencies=[Security(_SCHEME, scopes=[Scope.ROLLOUT])],
        openapi_extra=_CHAT,
    )
    async def chat_completions(request: Request) -> Response:
        body = await request.body()
        with metrics.phase("auth"):
            claims = signer.require(request.headers.get("authorization"), Scope.ROLLOUT)
        chat = parse_chat(body, turns.heard(claims))
        with metrics.in_flight.track_inprogress():
            call = await turns.take(claims, chat, _retry(request), lambda work: _unless_gone(request, work))
        with metrics.phase("reply"):
            if chat.stream:
                events = completion_stream(call, chat, model_name, renderer)
                return Response(events, media_type="text/event-stream")
            return Response(completion(call, chat, model_name, renderer), media_type="application/json")

    # Found before any other, and without FastAPI's look for parameters.
    app.router.routes.insert(0, Route("/v1/chat/completions", chat_completions, methods=["POST"]))


def _add_models(app: FastAPI, signer: Signer, model_name: str) -> None:
    """What clients ask before they begin."""

    @app.get(
        "/v1/models",
        summary="The one model there is",
        dependencies=[Security(_SCHEME, scopes=[Scope.ROLLOUT])],
    )
    async def models(request: Request) -> dict[str, Any]:
        signer.require(request.headers.get("authorization"), Scope.ROLLOUT)
        model = {"id": model_name, "object": "model", "created": 0, "owned_by": "podium"}
        return {"object": "list", "data": [model]}


def _add_pieces(app: FastAPI, signer: Signer, renderer: ChatRenderer) -> None:
    """What people need to read a rollout token by token; no agent's key opens it."""

    def for_people(request: Request) -> None:
        signer.require(request.headers.get("authorization"), Scope.VIEWER)

    @app.post(
        "/v1/pieces",
        summary="Token ids as text, for people who read a rollout",
        dependencies=[Security(_SCHEME, scopes=[Scope.VIEWER, Scope.ADMIN]), Depends(for_people)],
    )
    async def text_of(asked: PiecesRequest) -> Pieces:
        number = sum(len(ids) for ids in asked.sequences)
        if number > _MOST_IDS:
            raise Refused(f"{number} ids", field="sequences", remedy=f"send at most {_MOST_IDS}")
        found = await asyncio.to_thread(_pieces, renderer, asked.sequences)
        return Pieces(sequences=found)


def _pieces(renderer: ChatRenderer, sequences: Sequence[Sequence[int]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(pieces(renderer.tokenizer, ids)) for ids in sequences)


def _retry(request: Request) -> Retry:
    """OpenAI's clients count their retries in a header of their own."""
    count = request.headers.get("x-stainless-retry-count", "0")
    return Retry(request.headers.get("idempotency-key"), count not in ("", "0"))


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client hangs up. Raises ClientGone then."""
    working = asyncio.current_task()
    assert working is not None
    sampling = True

    def hang_up(_: object) -> None:
        if sampling:
            working.cancel()

    leaving = asyncio.ensure_future(request.receive())
    leaving.add_done_callback(hang_up)
    try:
        return await work
    except asyncio.CancelledError:
        if leaving.done() and not working.uncancel():
            raise ClientGone("the client hung up before its reply was sampled") from None
        raise
    finally:
        sampling = False
        leaving.cancel()
