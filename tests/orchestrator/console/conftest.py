"""The scene behind an address, and visitors with and without a browser."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from bench.tiny_model import write_tiny_model
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.kit.access import Claims, Scope, Signer
from services.rendering.chat import ChatRenderer
from services.transport.token_store import MemoryTokenStore
from tests.orchestrator.conftest import Running, starter
from tests.orchestrator.console.scene import EVIL, Storyteller, Writer, broken, report_steps, scored
from tests.orchestrator.scripted import ScriptedEnvironment, environment, until
from tests.services.gateway.scene import gateway

GROUPS = 4


@dataclass
class Stage:
    """A console that serves: its address, tokens of its visitors, and rollouts to look at."""

    running: Running
    url: str
    admin: str
    viewer: str
    learner: str
    trained: str
    group: str
    failed: str
    slides_url: str

    def visitor(self, token: str | None = None) -> httpx.AsyncClient:
        """A browser without scripting: forms come from its own pages."""
        cookies = {"podium_console": token} if token else {}
        return httpx.AsyncClient(
            base_url=self.url, cookies=cookies, headers={"sec-fetch-site": "same-origin"}, timeout=20
        )


@pytest.fixture(scope="session")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> ChatRenderer:
    return ChatRenderer(write_tiny_model(tmp_path_factory.mktemp("model"), ["a deck of two slides"], 512))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(renderer: ChatRenderer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One for all tests of a module: who changes it changes it back."""

    folder = tmp_path_factory.mktemp("console")
    secret_file = folder / "secret"
    secret_file.write_text("a secret for the console of at least 32 characters")
    signer = Signer.from_file(secret_file)
    start = starter(f"sqlite:///{folder / 'store.sqlite'}", secret_file, signer)

    async def tells(request: RolloutRequest) -> Outcome:
        await writer.tell(request)
        return scored(request, storyteller.url, 1.0 if len(storyteller.requests) % 2 else 0.25)

    async def fails(request: RolloutRequest) -> Outcome:
        return broken(request)

    async with (
        gateway(renderer, MemoryTokenStore(), signer) as door,
        start(gateway_url=door.url, admission="paused", group_size=2, groups_per_step=2) as running,
    ):
        writer = Writer(running.tokens, renderer)
        storyteller = Storyteller(tells, name="slides")
        storyteller.manifest = {"description": EVIL}
        async with (
            environment(storyteller, running.client, share=3.0),
            environment(ScriptedEnvironment(fails, name="broken"), running.client),
        ):
            await running.client.put("/v1/admission", json={"state": "open"})
            progress = running.parts.overview.progress
            await until(lambda: progress().rollouts.failed >= 1 and progress().groups.live >= GROUPS)
            await running.client.put("/v1/admission", json={"state": "paused"})
            await until(lambda: progress().rollouts.live == 0)
            yield await _stage(running, signer, storyteller.url)


async def _stage(running: Running, signer: Signer, slides_url: str) -> Stage:
    tokens = {scope: signer.mint(Claims(scope), 600) for scope in (Scope.ADMIN, Scope.VIEWER, Scope.LEARNER)}
    listed = (await running.client.get("/v1/groups", params={"environment": "slides"})).json()["groups"]
    sealed = [group["group_id"] for group in listed if group["state"] == "sealed"]
    learner = {"authorization": f"Bearer {tokens[Scope.LEARNER]}"}
    await report_steps(running.client, sealed[:2], learner)
    of_group = (await running.client.get(f"/v1/groups/{sealed[0]}")).json()["rollouts"]
    fallen = (await running.client.get("/v1/rollouts", params={"cause": "verifier"})).json()["rollouts"]
    return Stage(
        running,
        str(running.client.base_url).rstrip("/"),
        tokens[Scope.ADMIN],
        tokens[Scope.VIEWER],
        tokens[Scope.LEARNER],
        trained=of_group[0]["rollout_id"],
        group=sealed[0],
        failed=fallen[0]["rollout_id"],
        slides_url=slides_url,
    )
