"""Serving a FastAPI app with uvicorn's fast parts, and no others."""

import asyncio
import gc
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from services.kit.tls import NO_TLS, Tls


def serve(app: FastAPI, host: str, port: int, ready_file: Path | None = None, tls: Tls = NO_TLS) -> None:
    """Serve until a signal. With port 0 the system picks one; `ready_file` then tells the address."""
    raise_file_limit()
    collect_garbage_rarely()
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has shut down
        _Server(_config(app, host, port, tls), ready_file, tls.scheme).run()


@asynccontextmanager
async def serving(
    app: FastAPI, host: str, port: int, ready_file: Path | None = None, tls: Tls = NO_TLS
) -> AsyncIterator[None]:
    """Serve beside the other work of this event loop; signals stay with the caller."""
    server = _ServerBeside(_config(app, host, port, tls), ready_file, tls.scheme)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        try:
            yield
        finally:
            server.should_exit = True


def raise_file_limit(wanted: int = 65_536) -> None:
    """Allow this process as many open files as the system lets it; 1,024, the usual start, is too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def collect_garbage_rarely() -> None:
    """Spare what was loaded at start, and look for cycles after 50,000 new objects instead of 700.

    A gateway with 4,000 rollouts at once spent a quarter of its time in searches that found next to nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _config(app: FastAPI, host: str, port: int, tls: Tls) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=60,  # longer than our clients keep a connection: whoever reuses one finds it open
        backlog=4096,
        server_header=False,
        **tls.server_options(),
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready_file: Path | None, scheme: str) -> None:
        super().__init__(config)
        self._scheme = scheme
        self._ready_file = ready_file

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self._ready_file is not None and self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            part = self._ready_file.with_suffix(".part")
            part.write_text(f"{self._scheme}://{host}:{port}")
            part.rename(self._ready_file)


class _ServerBeside(_Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
