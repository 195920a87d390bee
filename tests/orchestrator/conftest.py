"""A whole orchestrator in this event loop, over memory transports, with a healthy engine."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.postgres import PostgresProcess
from orchestrator.app import create_app
from orchestrator.parts import Orchestrator, Transports
from orchestrator.settings import OrchestratorSettings
from services.contracts.words import new_id
from services.kit.access import Claims, Scope, Signer
from services.kit.http import http_client
from services.kit.ports import free_port
from services.transport.group_stream import MemoryGroupStream
from services.transport.token_store import MemoryTokenStore
from services.transport.weight_channel import MemoryWeightChannel
from tests.orchestrator.scripted import ScriptedEngine, served


@dataclass
class Running:
    """An orchestrator that serves, an administrator's client to it, and its transports."""

    client: httpx.AsyncClient
    parts: Orchestrator
    tokens: MemoryTokenStore
    stream: MemoryGroupStream
    weights: MemoryWeightChannel
    engine: ScriptedEngine
    signer: Signer

    async def progress(self) -> dict[str, Any]:
        return dict((await self.client.get("/v1/progress")).json())

    def token(self, scope: Scope) -> dict[str, str]:
        return {"authorization": f"Bearer {self.signer.mint(Claims(scope), 60)}"}


Start = Callable[..., AbstractAsyncContextManager[Running]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module that names its `STORES` runs over each of them; the others run over SQLite."""
    if "store_url" in metafunc.fixturenames:
        stores = getattr(metafunc.module, "STORES", ("sqlite",))
        metafunc.parametrize("store_url", stores, indirect=True)


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store may be: a file, or a database in the PostgreSQL of the session."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    server: PostgresProcess = request.getfixturevalue("postgres")
    return server.create_database(f"podium_{new_id()}")


@pytest.fixture
def start(store_url: str, secret_file: Path, signer: Signer) -> Start:
    """Start an orchestrator: `async with start(group_size=2) as running`. Stores and transports last."""
    return starter(store_url, secret_file, signer)


def starter(store_url: str, secret_file: Path, signer: Signer) -> Start:
    """What starts orchestrators over one store and one set of transports."""
    tokens, stream, weights = MemoryTokenStore(), MemoryGroupStream(), MemoryWeightChannel()
    engine = ScriptedEngine()

    @asynccontextmanager
    async def started(**changes: Any) -> AsyncIterator[Running]:
        async with served(engine.app()) as engine_url:
            port = free_port()
            values = {
                "port": port,
                "secret_file": secret_file,
                "store_url": store_url,
                "engines": (engine_url,),
                "engine_poll_s": 0.05,
                "group_size": 2,
                "groups_per_step": 2,
                "max_staleness": 1,
                "lease_s": 1.0,
                "rollout_deadline_s": 20.0,
                **changes,
            }
            settings = OrchestratorSettings(**values)
            app = create_app(settings, Transports(tokens, stream, weights), signer)
            token = signer.mint(Claims(Scope.ADMIN), 86_400)
            async with (
                served(app, port) as url,
                http_client(base_url=url, token=token) as client,
            ):
                parts: Orchestrator = app.state.orchestrator
                yield Running(client, parts, tokens, stream, weights, engine, signer)

    return started
