"""A terminal environment in this process, between a scripted model and an orchestrator's ear."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from environments.app import create_app
from environments.artifacts import Artifacts
from environments.context import KeepAll
from environments.metrics import EnvironmentMetrics
from environments.registration import Registrar
from environments.reporter import Reporter
from environments.runner import Runner
from environments.terminal.agents import BashAgent
from environments.terminal.attempts import Attempts
from environments.terminal.environment import VERSION, TerminalFamily
from environments.terminal.rules import Rules
from environments.terminal.tasks import load_tasks
from services.contracts.environment import Manifest, Registration, RolloutRequest
from services.kit.http import http_client
from services.sandbox.bubblewrap import BubblewrapSandboxes
from tests.environments.standins import (
    ANSWER_TEST,
    Json,
    OrchestratorEar,
    ScriptedModel,
    moves,
    rollout_request,
    served,
    write_task,
)


@dataclass
class World:
    """Everything around one environment service, and a client that holds its dispatch token."""

    model: ScriptedModel
    ear: OrchestratorEar
    model_url: str
    ear_url: str
    url: str
    client: httpx.AsyncClient
    runner: Runner
    registrar: Registrar

    def request(self, index: int = 0, *, deadline_s: float = 30.0) -> RolloutRequest:
        return rollout_request(self.model_url, self.ear_url, index, deadline_s=deadline_s)

    async def post(self, request: RolloutRequest) -> httpx.Response:
        return await self.client.post("/v1/rollouts", json=request.model_dump())

    async def play(self, index: int = 0, *, deadline_s: float = 30.0) -> Json:
        """The outcome of one rollout."""
        assert (await self.post(self.request(index, deadline_s=deadline_s))).status_code == 202
        return await self.ear.outcome()


@pytest.fixture
def rules() -> Rules:
    return Rules(max_turns=4, max_tokens=100, command_timeout_s=1.0, grading_reserve_s=1.0)


@pytest.fixture
def capacity() -> int:
    return 2


@pytest.fixture
def tasks_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "tasks"
    write_task(folder / "train" / "0000-answer", tests=ANSWER_TEST)
    return folder


@pytest.fixture
async def world(tmp_path: Path, tasks_dir: Path, rules: Rules, capacity: int) -> AsyncIterator[World]:
    model, ear = ScriptedModel(moves()), OrchestratorEar()
    metrics, sandboxes = EnvironmentMetrics(), BubblewrapSandboxes()
    async with AsyncExitStack() as stack:
        model_url = await stack.enter_async_context(served(model.app, tmp_path))
        ear_url = await stack.enter_async_context(served(ear.app, tmp_path))
        chat = await stack.enter_async_context(http_client())
        tasks = load_tasks(tasks_dir, sandboxes)
        manifest = Manifest(name="terminal", version=VERSION, splits=tasks.counts(), capacity=capacity)
        artifacts = Artifacts(tmp_path / "artifacts", "http://environment")
        agent = BashAgent(chat, rules, metrics, KeepAll())
        attempts = Attempts(sandboxes, rules, metrics, artifacts)
        family = TerminalFamily(manifest, tasks, agent, attempts)
        runner = Runner(family, capacity, Reporter(chat, longest_wait_s=0.2), metrics)
        app = create_app(family, runner, metrics, "dispatch-token", [runner])
        url = await stack.enter_async_context(served(app, tmp_path))
        client = await stack.enter_async_context(http_client(base_url=url, token="dispatch-token"))
        orchestrator = await stack.enter_async_context(
            http_client(base_url=ear_url, token="environment-token")
        )
        registration = Registration(name="terminal", url=url, dispatch_token="dispatch-token")
        registrar = Registrar(orchestrator, registration, runner, 0.05)
        yield World(model, ear, model_url, ear_url, url, client, runner, registrar)
