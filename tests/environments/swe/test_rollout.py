"""Whole rollouts: an agent at a repository, over HTTP to a scripted model, and its outcome."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from environments.family import Play, Progress, Scored
from environments.metrics import EnvironmentMetrics
from environments.swe.agent import Agent, BashAgent
from environments.swe.environment import SweFamily
from environments.swe.grading.remains import remains_of
from environments.swe.mini.agent import MiniSweAgent
from environments.swe.mini.door import Door
from environments.swe.rules import Rules
from environments.swe.settings import SweSettings
from environments.swe.shipped import write_tasks
from environments.swe.tasks import SweTasks, load_tasks
from environments.swe.wiring import swe_family
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, ModelAccess, TaskRef
from services.kit.failure import Failure, Missing, Refused
from services.kit.http import http_client
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import Blueprint
from tests.environments.standins import Move, ScriptedModel, completion, host_of, moves, served
from tests.environments.swe.conftest import FIX

RULES = Rules(max_turns=4, command_timeout_s=5.0, grading_reserve_s=10.0)
DONE = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
MINI = os.environ.get("PODIUM_TEST_MINI_PYTHON", "")
needs_mini = pytest.mark.skipif(
    not MINI, reason="PODIUM_TEST_MINI_PYTHON names no Python with mini-swe-agent"
)


class AnyClientsModel(ScriptedModel):
    """Asks for none of the headers that only our own client sends."""

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers["authorization"])
        move = self.script(body["messages"])
        assert not isinstance(move, Response)
        about = {"id": "reply", "object": "chat.completion", "created": 0, "model": "policy"}
        return JSONResponse({**about, **completion(move)})


class World:
    def __init__(self, tasks: SweTasks, sandboxes: BubblewrapSandboxes, client: httpx.AsyncClient) -> None:
        self.tasks, self.sandboxes, self.client = tasks, sandboxes, client
        self.metrics = EnvironmentMetrics()
        self.model = AnyClientsModel(moves())
        self.url = ""
        self.progress = Progress()

    async def play(self, *script: Move, mini: str = "", seconds: float = 60.0) -> Scored:
        self.model.script = moves(*script)
        agent: Agent = BashAgent(self.client, RULES, self.metrics)
        if mini:
            agent = MiniSweAgent(Path(mini), RULES, self.metrics)
        manifest = Manifest(name="swe", version="1", splits=self.tasks.counts(), capacity=1)
        family = SweFamily(manifest, self.tasks, self.sandboxes, agent, RULES, self.metrics)
        model = ModelAccess(base_url=f"{self.url}/v1", api_key="rollout-key", name="policy")
        deadline = time.monotonic() + seconds
        task = TaskRef(split="train", index=0)
        return await family.run(Play("rollout", 1, task, model, deadline, self.progress))


@pytest.fixture
async def world(tasks: SweTasks, sandboxes: BubblewrapSandboxes, tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        world = World(tasks, sandboxes, await stack.enter_async_context(http_client()))
        world.url = await stack.enter_async_context(served(world.model.app, tmp_path))
        yield world


async def test_a_fix_by_the_bash_loop_scores(world: World) -> None:
    scored = await world.play("python3 -m pytest tests/test_recipe.py", FIX)
    assert (scored.cause, scored.reward) == (Cause.COMPLETED, 1.0)
    assert scored.components == {"fail_to_pass": 1.0, "pass_to_pass": 1.0}
    assert scored.details["tests"]["tests/test_recipe.py::test_finds_the_worst"] == "passed"
    assert "+    return {name" in scored.details["diff"]
    assert world.progress.turns == 3
    assert world.model.keys == ["Bearer rollout-key"] * 3


async def test_the_agent_can_run_the_tests(world: World) -> None:
    await world.play("python3 -m pytest tests")
    assert "passed in" in world.model.requests[-1]["messages"][-1]["content"]


async def test_doing_nothing_scores_nothing(world: World) -> None:
    scored = await world.play("ls")
    assert (scored.cause, scored.reward) == (Cause.COMPLETED, 0.0)
    assert scored.components == {"fail_to_pass": 0.0, "pass_to_pass": 1.0}


async def test_what_is_there_when_the_turns_are_spent_is_graded(world: World) -> None:
    scored = await world.play(FIX, "ls", "ls", "ls", "ls")
    assert (scored.cause, scored.reward, scored.details["ended"]) == (Cause.BUDGET, 1.0, "turns")


async def test_a_bug_that_does_not_apply_is_a_fault_of_the_task(world: World) -> None:
    broken = [task.model_copy(update={"bug_patch": "no patch"}) for task in world.tasks.all()]
    world.tasks = SweTasks(folder=world.tasks.folder, splits={"train": tuple(broken)})
    with pytest.raises(Failure, match="could not be prepared") as failure:
        await world.play(FIX)
    assert failure.value.cause is Cause.ENVIRONMENT


@needs_mini
async def test_mini_swe_agent_scores_by_base_url_and_key_alone(world: World) -> None:
    scored = await world.play("uname -n", f"cd larder/.. && {FIX}", DONE, mini=MINI)
    assert (scored.cause, scored.reward) == (Cause.COMPLETED, 1.0)
    assert world.model.keys == ["Bearer rollout-key"] * 3
    assert "sandbox" in str(world.model.requests[1]["messages"][-1])
    assert world.progress.turns == 3


async def test_a_program_that_fails_is_no_reward(world: World) -> None:
    with pytest.raises(Failure, match="mini-swe-agent ended with no word") as failure:
        await world.play(mini=sys.executable)
    assert failure.value.cause is Cause.ENVIRONMENT


def test_the_shipped_tasks_load(tmp_path: Path, sandboxes: BubblewrapSandboxes) -> None:
    write_tasks(tmp_path / "tasks")
    tasks = load_tasks(tmp_path / "tasks", sandboxes)
    assert tasks.counts() == {"train": 36, "evaluation": 12}
    assert tasks.card(TaskRef(split="train", index=0)).tags[0] == "larder"
    with pytest.raises(Missing, match="split train has 36 tasks"):
        tasks.find(TaskRef(split="train", index=36))


def test_a_row_that_is_there_twice_is_refused(tmp_path: Path, sandboxes: BubblewrapSandboxes) -> None:
    write_tasks(tmp_path / "tasks")
    rows = tmp_path / "tasks/train.jsonl"
    rows.write_text(rows.read_text() * 2)
    with pytest.raises(Refused, match="is there twice"):
        load_tasks(tmp_path / "tasks", sandboxes)


def test_an_image_that_is_missing_is_refused(tmp_path: Path, sandboxes: BubblewrapSandboxes) -> None:
    write_tasks(tmp_path / "tasks")
    (tmp_path / "tasks/images/larder/Dockerfile").unlink()
    with pytest.raises(Refused, match="Dockerfile is missing"):
        load_tasks(tmp_path / "tasks", sandboxes)


def test_a_hostile_task_is_refused_where_the_kernel_is_shared(
    tmp_path: Path, sandboxes: BubblewrapSandboxes
) -> None:
    write_tasks(tmp_path / "tasks")
    rows = tmp_path / "tasks/train.jsonl"
    rows.write_text(rows.read_text().replace('{"instance_id"', '{"isolation":"hostile","instance_id"'))
    with pytest.raises(Refused, match="hostile"):
        load_tasks(tmp_path / "tasks", sandboxes)


async def test_the_service_is_wired_from_its_settings(tmp_path: Path, sandboxes: BubblewrapSandboxes) -> None:
    async with http_client() as client:
        host = host_of("swe", 2, tmp_path / "tasks", client)
        family = swe_family(host, SweSettings(max_turns=3))
        mini = swe_family(host, SweSettings(agent="mini", mini_python=Path("/python")))
    assert family.manifest.splits == {"train": 36, "evaluation": 12}
    assert (family.rules.max_turns, type(family.agent)) == (3, BashAgent)
    assert isinstance(mini.agent, MiniSweAgent)


def test_mini_without_its_python_is_refused() -> None:
    with pytest.raises(ValueError, match="mini_python"):
        SweSettings(agent="mini")


async def test_a_command_that_goes_on_when_the_door_closes_is_left(world: World, tmp_path: Path) -> None:
    """Otherwise it and the end of the rollout wait for each other."""
    blueprint = world.tasks.blueprint(world.tasks.all()[0])
    async with world.sandboxes.open(blueprint, RULES.limits) as sandbox:
        door = Door(sandbox, "/testbed", 60.0, world.metrics)
        async with door.open(tmp_path / "door"):
            _, writer = await asyncio.open_unix_connection(str(tmp_path / "door"))
            writer.write(json.dumps({"command": "sleep 30", "timeout_s": 60}).encode() + b"\n")
            await writer.drain()
            await asyncio.sleep(0.3)
            writer.close()
        async with asyncio.timeout(15.0):
            assert await remains_of(sandbox, "/testbed")
    assert door.broken is None


async def test_a_model_that_is_away_when_time_is_up_is_no_end_of_the_agent(
    world: World, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    scored = await world.play(mini=str(slow), seconds=13.0)
    assert (scored.cause, scored.details["ended"]) == (Cause.BUDGET, "time")
    world.url = "http://127.0.0.1:9"
    with pytest.raises(Failure, match="could not be reached") as failure:
        await world.play(mini=str(slow), seconds=13.0)
    assert failure.value.cause is Cause.ENGINE


async def test_its_sandboxes_bear_the_rollout(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Mapping[str, str]] = []
    plain = BubblewrapSandboxes.open

    def watched(self: BubblewrapSandboxes, blueprint: Blueprint, *more: Any) -> Any:
        opened.append(blueprint.labels)
        return plain(self, blueprint, *more)

    monkeypatch.setattr(BubblewrapSandboxes, "open", watched)
    await world.play("ls")
    assert opened == [{"rollout": "rollout", "attempt": "1", "environment": "swe"}] * 2
