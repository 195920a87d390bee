"""The HTTP face of an environment service, whatever its family: `podium.environment/1`."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Request, Security
from fastapi.responses import FileResponse
from fastapi.security import HTTPBearer

from environments.artifacts import Artifacts
from environments.family import Family
from environments.metrics import EnvironmentMetrics
from environments.runner import Runner
from services.contracts.environment import (
    CONTRACT,
    Manifest,
    RolloutRequest,
    RolloutState,
    TaskCard,
    TaskRef,
)
from services.contracts.words import Id, Split
from services.kit.failure import Forbidden
from services.kit.limits import LimitRules, Limits
from services.kit.metrics import mount_metrics
from services.kit.problems import install_problems

_SCHEME = HTTPBearer(auto_error=False, description="the token that this service gave when it registered")


def create_app(
    family: Family,
    runner: Runner,
    metrics: EnvironmentMetrics,
    dispatch_token: str,
    lifetimes: Sequence[AbstractAsyncContextManager[Any]] = (),
    artifacts: Artifacts | None = None,
    limits: LimitRules = LimitRules(),
) -> FastAPI:
    """The app. `lifetimes` are entered in order before it serves and left in reverse when it stops."""
    app = FastAPI(
        title="Podium environment",
        version=family.manifest.version,
        description=f"Tasks, and rollouts of them ({CONTRACT}).",
        lifespan=_lifespan(lifetimes),
    )
    install_problems(app)
    app.add_middleware(Limits, rules=limits)
    mount_metrics(app, metrics.registry)
    allowed = [Depends(_bearer(dispatch_token))]

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether this process is alive."""
        return {"status": "ok"}

    @app.get("/v1/manifest", dependencies=allowed)
    async def manifest() -> Manifest:
        """What this environment offers."""
        return family.manifest

    @app.get("/v1/tasks/{split}/{index}", dependencies=allowed)
    async def task(split: Split, index: Annotated[int, Path(ge=0)]) -> TaskCard:
        """One task, for people."""
        return family.card(TaskRef(split=split, index=index))

    @app.post("/v1/rollouts", status_code=202, dependencies=allowed)
    async def start(request: RolloutRequest) -> RolloutState:
        """Begin an attempt and report its outcome later. The same attempt again starts nothing."""
        return runner.start(request).described()

    @app.get("/v1/rollouts/{rollout_id}", dependencies=allowed)
    async def rollout(rollout_id: Id) -> RolloutState:
        """What is known of the newest attempt of a rollout."""
        return runner.find(rollout_id).described()

    @app.delete("/v1/rollouts/{rollout_id}", status_code=202, dependencies=allowed)
    async def cancel(rollout_id: Id) -> RolloutState:
        """Stop a rollout; its outcome is reported as cancelled."""
        return runner.cancel(rollout_id).described()

    if artifacts is not None:

        @app.get("/v1/rollouts/{rollout_id}/attempts/{attempt}/artifacts/{name}", dependencies=allowed)
        async def artifact(rollout_id: Id, attempt: int, name: str) -> FileResponse:
            """A file that an attempt left for people; its outcome says which there are."""
            return FileResponse(artifacts.path(rollout_id, attempt, name))

    return app


def _lifespan(
    lifetimes: Sequence[AbstractAsyncContextManager[Any]],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for lifetime in lifetimes:
                await stack.enter_async_context(lifetime)
            yield

    return lifespan


def _bearer(token: str) -> Callable[..., Awaitable[None]]:
    expected = f"Bearer {token}".encode()

    async def check(request: Request, _: Annotated[Any, Security(_SCHEME)]) -> None:
        authorization = request.headers.get("authorization")
        if not hmac.compare_digest((authorization or "").encode(), expected):
            raise Forbidden(
                "not the dispatch token of this service",
                status=401,
                field="authorization",
                remedy="send the token that this service gave when it registered",
            )

    return check
