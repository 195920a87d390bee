"""The FastAPI app of the orchestrator: its parts live as long as the app does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import structlog
from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from orchestrator.api import (
    admission,
    artifacts,
    audit,
    bearer,
    engines,
    environments,
    evaluations,
    groups,
    progress,
    rollouts,
    runs,
    scraping,
    steps,
    tokens,
    weights,
)
from orchestrator.console.app import create_console
from orchestrator.metrics import Metrics
from orchestrator.parts import Orchestrator, Transports
from orchestrator.settings import OrchestratorSettings
from orchestrator.store import Store
from services.kit.access import Signer
from services.kit.http import http_client
from services.kit.limits import Limits
from services.kit.metrics import mount_metrics
from services.kit.problems import install_problems

log = structlog.get_logger()

_NOUNS = (
    environments,
    rollouts,
    artifacts,
    groups,
    evaluations,
    engines,
    weights,
    steps,
    runs,
    tokens,
    admission,
    audit,
    bearer,
    progress,
    scraping,
)
_DESCRIPTION = """
Decides which rollout runs when. Environments register here and report outcomes; the learner reports
steps; people watch and steer. Every error is `application/problem+json` with the field at fault, its
value and the remedy. Authorize with `Bearer <token>`; each operation names the scopes that it takes.
"""


def create_app(
    settings: OrchestratorSettings,
    transports: Transports,
    signer: Signer,
    on_crash: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The app; `on_crash` is called if the work behind it ends with an error that nobody expected."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            Store(settings.store, metrics.commit) as store,
            _client(settings) as client,
            http_client(base_url=settings.gateway_url, tls=settings.tls) as gateway,
        ):
            orchestrator = Orchestrator(settings, transports, signer, store, client, gateway, metrics)
            await orchestrator.load()
            log.info("started", environments=sorted(orchestrator.registry.environments))
            app.state.orchestrator = orchestrator
            work = asyncio.create_task(_work(orchestrator, on_crash))
            try:
                yield
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    app = FastAPI(title="Podium orchestrator", version="1", description=_DESCRIPTION, lifespan=lifespan)
    install_problems(app)
    app.add_middleware(Limits, rules=settings.limits)
    mount_metrics(app, metrics.registry)
    for noun in _NOUNS:
        app.include_router(noun.router)

    app.mount("/console", create_console(app))

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("/console/")

    @app.get("/healthz", tags=["progress"], summary="Whether this process serves")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _client(settings: OrchestratorSettings) -> httpx.AsyncClient:
    """The way to environments and engines: wherever their addresses come from, it goes nowhere else."""
    return http_client(tls=settings.tls, allowance=settings.allowance)


async def _work(orchestrator: Orchestrator, on_crash: Callable[[], None]) -> None:
    """All loops, until cancelled. One that breaks ends the process: a broken platform is a crash."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for part in (
                orchestrator.dispatcher,
                orchestrator.sealer,
                orchestrator.leases,
                orchestrator.outbox,
                orchestrator.fleet,
                orchestrator.stalls,
            ):
                tasks.create_task(part.run())
    except Exception as error:  # boundary: what nobody expected
        log.error("crashed", error=repr(error), exc_info=error)
        on_crash()
