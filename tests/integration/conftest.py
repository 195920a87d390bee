"""Every service of Podium at once, each behind a real server, for what must hold of all of them."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI

from environments.app import create_app as environment_app
from environments.artifacts import Artifacts
from environments.context import KeepAll
from environments.metrics import EnvironmentMetrics
from environments.reporter import Reporter
from environments.runner import Runner
from environments.terminal.agents import BashAgent
from environments.terminal.attempts import Attempts
from environments.terminal.environment import VERSION, TerminalFamily
from environments.terminal.rules import Rules
from environments.terminal.tasks import load_tasks
from learner.app import create_app as learner_app
from learner.metrics import LearnerMetrics
from orchestrator.app import create_app as orchestrator_app
from orchestrator.parts import Transports
from orchestrator.settings import OrchestratorSettings
from services.contracts.environment import Manifest
from services.gateway.app import create_app as gateway_app
from services.gateway.engine_client import EngineClient
from services.gateway.fleet import Engine, Fleet
from services.gateway.metrics import GatewayMetrics
from services.gateway.sampler import Sampler
from services.gateway.session import Sessions
from services.gateway.turn import Turns
from services.inference.app import create_app as engine_app
from services.inference.cpu.engine import CpuEngine
from services.inference.cpu.process import build_scheduler
from services.inference.keys import Keys
from services.inference.metrics import EngineMetrics
from services.inference.settings import InferenceSettings
from services.kit.access import Signer
from services.kit.http import http_client
from services.rendering.chat import ChatRenderer
from services.rendering.tokenizer import ModelTokenizer
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.host.app import create_app as host_app
from services.sandbox.host.archives import Archives
from services.sandbox.host.bounds import Bounds
from services.sandbox.host.boxes import Boxes
from services.sandbox.host.metrics import HostMetrics
from services.sandbox.port import MIB
from services.sandbox.wire import HostCard
from services.transport.group_stream import MemoryGroupStream
from services.transport.token_store import MemoryTokenStore
from services.transport.weight_channel import MemoryWeightChannel
from tests.environments.standins import ANSWER_TEST, write_task
from tests.integration.living import living as living
from tests.orchestrator.scripted import served

POLICY = Path(__file__).parents[2] / "learner" / "policy"
SECRET = "a secret of the integration tests, long enough"
DISPATCH_TOKEN = "dispatch-token-of-the-integration-tests"
ENGINE_KEYS = Keys("engine-key-of-the-integration-tests", "admin-key-of-the-integration-tests")


@dataclass(frozen=True)
class Service:
    """One app and where it is served."""

    app: FastAPI
    url: str


Services = dict[str, Service]


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """All of them, in an event loop of their own."""
    folder, loop = tmp_path_factory.mktemp("services"), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()
    try:
        yield asyncio.run_coroutine_threadsafe(_serve(stack, folder), loop).result(60)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _serve(stack: AsyncExitStack, folder: Path) -> Services:
    signer = Signer(SECRET)
    engine = await stack.enter_async_context(served(app := _engine()))
    found = {"engine": Service(app, engine)}
    for name, app in {
        "orchestrator": _orchestrator(folder, signer),
        "gateway": _gateway(signer, engine),
        "environment": await _environment(stack, folder),
        "learner": learner_app(LearnerMetrics()),
        "sandbox": _sandbox_host(folder, signer),
    }.items():
        found[name] = Service(app, await stack.enter_async_context(served(app)))
    return found


def _orchestrator(folder: Path, signer: Signer) -> FastAPI:
    (folder / "secret").write_text(SECRET)
    settings = OrchestratorSettings(
        secret_file=folder / "secret",
        store_url=f"sqlite:///{folder / 'store.sqlite'}",
        max_requests_s=0,
        max_refusals_s=0,
    )
    transports = Transports(MemoryTokenStore(), MemoryGroupStream(), MemoryWeightChannel())
    return orchestrator_app(settings, transports, signer)


def _engine() -> FastAPI:
    scheduler = build_scheduler(InferenceSettings(model_path=POLICY))
    engine = CpuEngine(scheduler, POLICY, None, on_crash=lambda: None)
    return engine_app(engine, ModelTokenizer(POLICY), EngineMetrics(), ENGINE_KEYS, health_timeout_s=2)


def _gateway(signer: Signer, engine_url: str) -> FastAPI:
    renderer, metrics = ChatRenderer(POLICY), GatewayMetrics()
    fleet = Fleet([Engine("first", engine_url)], shun_s=0.05)
    client = EngineClient(renderer.vocabulary_size, 10, key=ENGINE_KEYS.api)
    sampler = Sampler(fleet, client, metrics, renderer.stop_token_ids, 1.0, 0.01)
    sessions = Sessions(MemoryTokenStore(), fleet.placements)
    turns = Turns(sessions, renderer, sampler, metrics, 512)
    return gateway_app(
        turns=turns,
        signer=signer,
        renderer=renderer,
        metrics=metrics,
        model_name="policy",
        lifetimes=[client],
    )


def _sandbox_host(folder: Path, signer: Signer) -> FastAPI:
    sandboxes, metrics = BubblewrapSandboxes(), HostMetrics()
    return host_app(
        sandboxes=sandboxes,
        card=HostCard(kind="bubblewrap"),
        boxes=Boxes(sandboxes, 2, 5.0, metrics),
        archives=Archives(folder / "archives", 64 * MIB),
        bounds=Bounds(512 * MIB, 64 * MIB, 64, 1.0),
        signer=signer,
        metrics=metrics,
        body_bytes=MIB,
    )


async def _environment(stack: AsyncExitStack, folder: Path) -> FastAPI:
    write_task(folder / "tasks/train/0000-answer", tests=ANSWER_TEST)
    sandboxes, metrics = BubblewrapSandboxes(), EnvironmentMetrics()
    chat = await stack.enter_async_context(http_client(timeout_s=1))
    tasks = load_tasks(folder / "tasks", sandboxes)
    manifest = Manifest(name="terminal", version=VERSION, splits=tasks.counts(), capacity=2)
    rules = Rules(max_turns=1, max_tokens=16, command_timeout_s=1.0, grading_reserve_s=1.0)
    artifacts = Artifacts(folder / "artifacts", "http://environment")
    agent = BashAgent(chat, rules, metrics, KeepAll())
    family = TerminalFamily(manifest, tasks, agent, Attempts(sandboxes, rules, metrics, artifacts))
    runner = Runner(family, 2, Reporter(chat, longest_wait_s=0.2), metrics)
    return environment_app(family, runner, metrics, DISPATCH_TOKEN, [runner], artifacts)
