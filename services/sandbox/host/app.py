"""The HTTP face of a sandbox host."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response, Security
from fastapi.security import HTTPBearer

from services.kit.access import Scope, Signer
from services.kit.metrics import mount_metrics
from services.kit.problems import install_problems
from services.sandbox.host.archives import Archives
from services.sandbox.host.bounds import Bounds
from services.sandbox.host.boxes import Boxes
from services.sandbox.host.metrics import HostMetrics
from services.sandbox.host.routes import box_routes, whole_body
from services.sandbox.port import Sandboxes
from services.sandbox.wire import Digest, HostCard

_SCHEME = HTTPBearer(auto_error=False, description="a capability of scope sandbox")


def create_app(
    *,
    sandboxes: Sandboxes,
    card: HostCard,
    boxes: Boxes,
    archives: Archives,
    bounds: Bounds,
    signer: Signer,
    metrics: HostMetrics,
    body_bytes: int,
    lifetimes: Sequence[AbstractAsyncContextManager[Any]] = (),
) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for lifetime in (*lifetimes, sandboxes.running(), boxes.running()):
                await stack.enter_async_context(lifetime)
            yield

    async def allowed(request: Request, _: Annotated[Any, Depends(_SCHEME)]) -> None:
        signer.require(request.headers.get("authorization"), Scope.SANDBOX)

    app = FastAPI(title="Podium sandbox host", lifespan=lifespan)
    install_problems(app)
    mount_metrics(app, metrics.registry)
    may = [Security(allowed, scopes=[str(Scope.SANDBOX), str(Scope.ADMIN)])]

    @app.get("/healthz", summary="Alive")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/host", summary="Of which kind its boxes are", dependencies=may)
    async def host() -> HostCard:
        return card

    @app.get("/v1/archives/{digest}", status_code=204, summary="Is it here?", dependencies=may)
    async def has_archive(digest: Digest) -> Response:
        return Response(status_code=204 if archives.has(digest) else 404)

    @app.put("/v1/archives/{digest}", status_code=204, summary="A build folder or a tree", dependencies=may)
    async def put_archive(digest: Digest, request: Request) -> None:
        data = await whole_body(request, body_bytes)
        await asyncio.to_thread(archives.put, digest, data)

    app.include_router(box_routes(boxes, archives, bounds, metrics, body_bytes), dependencies=may)
    return app
