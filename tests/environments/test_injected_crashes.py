"""Whatever breaks, at whichever stage, in whichever family: the right cause, and never a reward."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.responses import JSONResponse

from environments.agent import Agent
from environments.app import create_app
from environments.ending import Ending
from environments.family import Family
from environments.host import Host
from environments.reporter import Reporter
from environments.runner import Runner
from environments.search.settings import SearchSettings
from environments.search.tiny.tasks import write_tasks as write_search_tasks
from environments.search.wiring import search_family
from environments.slides.grading import Graded, Studio
from environments.slides.settings import SlidesSettings
from environments.slides.tasks import write_tasks as write_slides_tasks
from environments.slides.wiring import slides_family
from environments.swe.grading import grade
from environments.swe.settings import SweSettings
from environments.swe.shipped import write_tasks as write_swe_tasks
from environments.swe.wiring import swe_family
from environments.terminal.settings import TerminalSettings
from environments.terminal.wiring import terminal_family
from services.kit.http import http_client
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import Blueprint, Limits, Sandbox, SandboxFailure
from tests.environments.standins import (
    ANSWER_TEST,
    Json,
    Move,
    OrchestratorEar,
    ScriptedModel,
    host_of,
    moves,
    rollout_request,
    served,
    tool_call,
    write_task,
)

FAMILIES = ["terminal", "swe", "search", pytest.param("slides", marks=pytest.mark.chromium)]
PROGRAM: Json = {"role": "assistant", "tool_calls": [tool_call("python", {"code": "print(1)"})]}


class NoSandboxes(BubblewrapSandboxes):
    """As when the machine is out of memory: not one more opens."""

    @asynccontextmanager
    async def open(
        self, blueprint: Blueprint, limits: Limits, tree: bytes | None = None
    ) -> AsyncIterator[Sandbox]:
        raise SandboxFailure("injected: no sandbox can be had")
        yield


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tasks that several tests use."""
    folder = tmp_path_factory.mktemp("tasks")
    write_swe_tasks(folder / "swe")
    write_search_tasks(folder / "search", 4, 4, 0)
    write_slides_tasks(folder / "slides", 4, 4, 0)
    return folder


@dataclass
class Fault:
    """What a test breaks before the service starts."""

    shared: Path
    sandboxes: BubblewrapSandboxes = field(default_factory=BubblewrapSandboxes)
    tests: str = ANSWER_TEST
    judge: bool = False
    chromium: Path = Path("/usr/bin/chromium")


@dataclass
class Service:
    """One family behind the contract; `play` gives what it reports of one rollout."""

    model: ScriptedModel
    ear: OrchestratorEar
    client: Any
    addresses: tuple[str, str]

    async def play(self, *script: Move, deadline_s: float = 60.0) -> Json:
        self.model.script = moves(*script)
        await self.start(deadline_s)
        return await self.ear.outcome(60)

    async def start(self, deadline_s: float = 60.0) -> None:
        request = rollout_request(*self.addresses, deadline_s=deadline_s)
        assert (await self.client.post("/v1/rollouts", json=request.model_dump())).status_code == 202


@asynccontextmanager
async def service(name: str, folder: Path, fault: Fault) -> AsyncIterator[Service]:
    model, ear = ScriptedModel(moves()), OrchestratorEar()
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(served(one, folder)) for one in (model.app, ear.app)]
        chat = await stack.enter_async_context(http_client())
        host = host_of(name, 4, folder / "tasks", chat)
        tasks_dir = host.tasks_dir if name == "terminal" else fault.shared / name
        host = Host(name, 4, tasks_dir, fault.sandboxes, chat, host.metrics, host.artifacts)
        family = _BUILDERS[name](host, fault)
        runner = Runner(family, 4, Reporter(chat, longest_wait_s=0.1), host.metrics)
        app = create_app(family, runner, host.metrics, "dispatch-token", [*host.lifetimes, runner])
        url = await stack.enter_async_context(served(app, folder))
        client = await stack.enter_async_context(http_client(base_url=url, token="dispatch-token"))
        yield Service(model, ear, client, (addresses[0], addresses[1]))


def _terminal(host: Host, fault: Fault) -> Family:
    write_task(host.tasks_dir / "train" / "0000-answer", tests=fault.tests)
    return terminal_family(host, TerminalSettings())


def _swe(host: Host, fault: Fault) -> Family:
    return swe_family(host, SweSettings(grading_reserve_s=5.0))


def _search(host: Host, fault: Fault) -> Family:
    judge: dict[str, Any] = {"judge": "model", "judge_url": "http://127.0.0.1:9/v1", "judge_model": "judge"}
    return search_family(host, SearchSettings(**(judge if fault.judge else {})))


def _slides(host: Host, fault: Fault) -> Family:
    return slides_family(host, SlidesSettings(chromium=fault.chromium))


_BUILDERS: dict[str, Callable[[Host, Fault], Family]] = {
    "terminal": _terminal,
    "swe": _swe,
    "search": _search,
    "slides": _slides,
}


def assert_no_reward(outcome: Json, cause: str, words: str) -> None:
    assert (outcome["cause"], outcome["reward"], outcome["components"]) == (cause, None, {}), outcome
    assert words in outcome["error"]


@pytest.mark.parametrize("name", FAMILIES)
async def test_at_the_start(name: str, tmp_path: Path, shared: Path) -> None:
    """No sandbox, or for slides no browser."""
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    page: Json = {"role": "assistant", "tool_calls": [tool_call("write_page", {"html": "<h1>a</h1>"})]}
    async with service(name, tmp_path, Fault(shared, sandboxes=NoSandboxes(), chromium=broken)) as there:
        outcome = await there.play(page if name == "slides" else PROGRAM)
    words = "does not start" if name == "slides" else "injected: no sandbox"
    assert_no_reward(outcome, "sandbox", words)


@pytest.mark.parametrize("name", FAMILIES)
async def test_in_the_agent(name: str, tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is down, and then code of the environment that breaks."""

    async def breaks(self: Agent, instruction: str, until: float) -> Ending:
        raise RuntimeError("injected: the agent broke")

    async with service(name, tmp_path, Fault(shared)) as there:
        down = JSONResponse({"error": {"message": "no engine", "code": "engine_unavailable"}}, 503)
        assert_no_reward(await there.play(down), "engine", "no engine")
        monkeypatch.setattr(Agent, "solve", breaks)
        assert_no_reward(await there.play(), "environment", "injected: the agent broke")


@pytest.mark.parametrize("name", FAMILIES)
async def test_in_the_verifier(
    name: str, tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests that end with 0 and report nothing, a judge that is down, a measurement that never ends."""

    async def never(self: Studio, deck: object, pages: object) -> Graded:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(grade, "_script", lambda name: b"raise SystemExit(0)\n")
    monkeypatch.setattr(Studio, "grade", never)
    async with service(name, tmp_path, Fault(shared, tests="exit 0", judge=True)) as there:
        answer: Json = {"role": "assistant", "content": "Answer: something"}
        outcome = await there.play(answer, deadline_s=4.0 if name == "slides" else 60.0)
    words = {
        "terminal": "reward",
        "swe": "the tests left no complete report",
        "search": "the judge failed",
        "slides": "not graded in time",
    }
    assert_no_reward(outcome, "verifier", words[name])


@pytest.mark.parametrize("name", FAMILIES)
async def test_in_the_report(name: str, tmp_path: Path, shared: Path) -> None:
    """An orchestrator that is away hears of the outcome once, and unchanged, when it is back."""
    async with service(name, tmp_path, Fault(shared)) as there:
        there.ear.broken = True
        await there.start()
        async with asyncio.timeout(60):
            while there.ear.attempts_to_report < 2:
                await asyncio.sleep(0.01)
        there.ear.broken = False
        outcome = await there.ear.outcome(60)
        assert (outcome["cause"], outcome["reward"]) == ("completed", 0.0)
        await asyncio.sleep(0.3)
        assert there.ear.outcomes == []
