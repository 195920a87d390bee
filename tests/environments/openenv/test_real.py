"""Real OpenEnv servers, made with their package, played through the adapter by a scripted model."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from environments.family import Play, Scored
from environments.openenv.environment import OpenEnvFamily
from environments.openenv.session import session
from environments.openenv.settings import OpenEnvSettings
from environments.openenv.wiring import openenv_family
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess, TaskRef
from services.kit.failure import Failure
from services.kit.http import http_client
from tests.environments.checking import env_check, not_passed
from tests.environments.outside_server import outside_server
from tests.environments.standins import Json, ScriptedModel, host_of, moves, served, tool_call

PYTHON = os.environ.get("PODIUM_TEST_OPENENV_PYTHON", "")
SERVERS = Path(__file__).parent / "servers"
pytestmark = pytest.mark.skipif(not PYTHON, reason="PODIUM_TEST_OPENENV_PYTHON names no Python with openenv")

PlayOne = Callable[..., Awaitable[Scored]]


@pytest.fixture(scope="module")
def guess_url() -> Iterator[str]:
    with outside_server(PYTHON, SERVERS / "guess.py") as url:
        yield url


@pytest.fixture(scope="module")
def hanging_url() -> Iterator[str]:
    """Of its own: a session that hangs keeps its place."""
    with outside_server(PYTHON, SERVERS / "guess.py") as url:
        yield url


@pytest.fixture
def checked_url() -> Iterator[str]:
    """Of its own: places of sessions that were cut off are free when the server notices."""
    with outside_server(PYTHON, SERVERS / "guess.py") as url:
        yield url


@pytest.fixture(scope="module")
def sums_url() -> Iterator[str]:
    with outside_server(PYTHON, SERVERS / "sums.py") as url:
        yield url


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(moves())


@pytest.fixture
async def play(model: ScriptedModel, tmp_path: Path) -> AsyncIterator[PlayOne]:
    async with http_client() as client, served(model.app, tmp_path) as model_url:

        async def one(
            url: str, index: int = 0, split: str = "train", seconds: float = 30.0, **settings: Any
        ) -> Scored:
            family: OpenEnvFamily = openenv_family(
                host_of("openenv", 8, tmp_path, client), OpenEnvSettings(server_url=url, **settings)
            )
            access = ModelAccess(base_url=f"{model_url}/v1", api_key="key", name="policy")
            task = TaskRef(split=split, index=index)
            return await family.run(Play("rollout", 1, task, access, time.monotonic() + seconds))

        yield one


def call(name: str, arguments: object) -> Json:
    return {"role": "assistant", "content": "", "tool_calls": [tool_call(name, arguments)]}


def follows_the_hint(messages: list[Json]) -> Json:
    hint = re.search(r"Hint: (\d)", messages[1]["content"])
    assert hint is not None
    return call("step", {"number": int(hint[1])})


async def test_an_episode_ends_when_the_server_says_so_and_its_reward_is_the_sum(
    play: PlayOne, model: ScriptedModel, guess_url: str
) -> None:
    hints = iter((7, 8, 9, *range(10)))
    model.script = lambda messages: call("step", {"number": next(hints)})
    scored = await play(guess_url, reward_range=(-10.0, 1.0))
    tries = scored.details["steps"]
    assert scored.cause is Cause.COMPLETED
    assert scored.details["done"] is True
    assert scored.reward == pytest.approx(1.0 - 0.25 * (tries - 1))
    assert len(model.requests) == tries  # nobody is asked after the end
    (tool,) = model.requests[0]["tools"]
    assert tool["function"]["parameters"]["properties"].keys() == {"number"}


async def test_a_task_is_a_seed_and_no_seed_is_in_both_splits(
    play: PlayOne, model: ScriptedModel, guess_url: str
) -> None:
    model.script = follows_the_hint
    tasks = [(index, split) for index in range(4) for split in ("train", "evaluation")]
    scored = await asyncio.gather(*(play(guess_url, *task, reset={"hint": True}) for task in tasks))
    assert [one.reward for one in scored] == [1.0] * len(tasks)
    first = {request["messages"][1]["content"] for request in model.requests}
    assert len(first) > 1


async def test_an_agent_that_does_nothing_earns_nothing(play: PlayOne, guess_url: str) -> None:
    scored = await play(guess_url)
    assert (scored.cause, scored.reward, scored.details["done"]) == (Cause.COMPLETED, 0.0, False)


async def test_a_wrong_action_is_told_to_the_agent(
    play: PlayOne, model: ScriptedModel, guess_url: str
) -> None:
    wrong = (
        call("step", {"number": "many"}),
        call("step", "[1]"),
        call("step", "{"),
        call("walk", {"number": 1}),
    )
    model.script = moves(*wrong)
    scored = await play(guess_url)
    told = [message["content"] for message in model.requests[-1]["messages"] if message["role"] == "tool"]
    assert scored.reward == 0.0
    assert scored.details["steps"] == 0
    assert "not right" in told[0]
    assert "number" in told[0]
    assert [text.split(":")[1] for text in told[1:3]] == [
        " the arguments are not a JSON object",
        " the arguments are not JSON",
    ]
    assert told[3] == "error: there is no tool 'walk', only step"


@pytest.mark.parametrize(("number", "cause"), [(666, Cause.ENVIRONMENT), (777, Cause.VERIFIER)])
async def test_what_breaks_on_the_server_is_no_reward(
    play: PlayOne, model: ScriptedModel, guess_url: str, number: int, cause: Cause
) -> None:
    model.script = moves(call("step", {"number": number}))
    with pytest.raises(Failure) as failure:
        await play(guess_url)
    assert failure.value.cause is cause


@pytest.mark.parametrize(("settings", "said"), [({"step_timeout_s": 1.0}, "for 1 s"), ({}, "time was up")])
async def test_a_server_that_hangs_in_a_step_is_the_environments_fault(
    play: PlayOne, model: ScriptedModel, hanging_url: str, settings: dict[str, float], said: str
) -> None:
    model.script = moves(call("step", {"number": 888}))
    started = time.monotonic()
    with pytest.raises(Failure, match=said) as failure:
        await play(hanging_url, seconds=4.0, **settings)
    assert failure.value.cause is Cause.ENVIRONMENT
    assert time.monotonic() - started < 4.0


async def test_a_server_that_is_away_is_the_environments_fault(play: PlayOne) -> None:
    with pytest.raises(Failure) as failure:
        await play("http://127.0.0.1:9")
    assert failure.value.cause is Cause.ENVIRONMENT


async def test_a_server_that_is_full_is_the_environments_fault(play: PlayOne, guess_url: str) -> None:
    async with AsyncExitStack() as others:
        for _ in range(8):  # as many as it takes
            one = await others.enter_async_context(session(guess_url, 10.0, 10.0))
            await one.reset({})
        with pytest.raises(Failure, match="CAPACITY_REACHED") as failure:
            await play(guess_url)
    assert failure.value.cause is Cause.ENVIRONMENT


async def test_the_last_reward_counts_and_one_field_is_the_task_where_settings_say_so(
    play: PlayOne, model: ScriptedModel, guess_url: str
) -> None:
    model.script = moves(*(call("step", {"number": number}) for number in (10, 11)))
    scored = await play(guess_url, reward="last", reward_range=(-1.0, 1.0), prompt_field="said")
    assert scored.reward == -0.25
    assert model.requests[0]["messages"][1]["content"] == "Guess."


async def test_tools_of_mcp_are_the_agents_tools(play: PlayOne, model: ScriptedModel, sums_url: str) -> None:
    model.script = moves(call("add", {"left": "x"}), call("add", {"left": 2, "right": 3}))
    scored = await play(sums_url)
    (tool,) = model.requests[0]["tools"]
    assert tool["function"]["name"] == "add"
    assert "left" in tool["function"]["parameters"]["properties"]
    assert "Add 2 and 3" in model.requests[0]["messages"][1]["content"]
    assert "left" in model.requests[1]["messages"][-1]["content"]
    assert (scored.cause, scored.reward, scored.details["done"]) == (Cause.COMPLETED, 1.0, True)


def test_served_as_a_process_it_passes_the_conformance_suite(tmp_path: Path, checked_url: str) -> None:
    report = env_check(tmp_path, "openenv", openenv_server_url=checked_url, environment_capacity="4")
    assert not_passed(report) == []
    assert report["passed"] > 20
