"""Resources servers that ship with NeMo Gym, played through the adapter by a scripted model."""

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from environments.family import Play, Scored
from environments.nemo_gym.settings import NemoGymSettings
from environments.nemo_gym.wiring import nemo_gym_family
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess, TaskRef
from services.kit.failure import Failure
from services.kit.http import http_client
from tests.environments.checking import env_check, not_passed
from tests.environments.outside_server import outside_server
from tests.environments.standins import Json, ScriptedModel, host_of, moves, served, tool_call

PYTHON = os.environ.get("PODIUM_TEST_NEMO_GYM_PYTHON", "")
SERVER = Path(__file__).parent / "servers" / "gym.py"
pytestmark = pytest.mark.skipif(
    not PYTHON, reason="PODIUM_TEST_NEMO_GYM_PYTHON names no Python with nemo-gym"
)

PlayOne = Callable[..., Awaitable[Scored]]


@pytest.fixture(scope="module")
def counter_url() -> Iterator[str]:
    server = ("example_session_state_mgmt", "StatefulCounterResourcesServer")
    with outside_server(PYTHON, SERVER, *server) as url:
        yield url


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Rows as the counter's own data has them: add what is asked for, from a count that the task sets."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(f"{json.dumps(_row(initial, initial + 5))}\n" for initial in range(8)))
    return file


def _row(initial: int, expected: int) -> Json:
    parameters = {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}
    add = {"type": "function", "name": "increment_counter", "parameters": parameters, "strict": True}
    ask = {
        "type": "function",
        "name": "get_counter_value",
        "parameters": {"type": "object", "properties": {}},
    }
    request = {
        "input": [{"role": "user", "content": "add 2 then add 3"}],
        "tools": [add, {**ask, "strict": True}],
    }
    return {"responses_create_params": request, "initial_count": initial, "expected_count": expected}


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(moves())


@pytest.fixture
async def play(model: ScriptedModel, rows: Path, tmp_path: Path) -> AsyncIterator[PlayOne]:
    async with http_client() as client, served(model.app, tmp_path) as model_url:

        async def one(url: str, index: int = 0) -> Scored:
            settings = NemoGymSettings(server_url=url, train_file=rows)
            family = nemo_gym_family(host_of("gym", 8, tmp_path, client), settings)
            access = ModelAccess(base_url=f"{model_url}/v1", api_key="key", name="policy")
            task = TaskRef(split="train", index=index)
            return await family.run(Play("rollout", 1, task, access, time.monotonic() + 30))

        yield one


def add(count: int) -> Json:
    calls = [tool_call("increment_counter", {"count": count})]
    return {"role": "assistant", "content": f"I add {count}.", "tool_calls": calls}


def test_settings_name_what_they_need() -> None:
    with pytest.raises(ValueError, match="train_file"):
        NemoGymSettings(server_url="http://127.0.0.1:1")  # type: ignore[call-arg]


async def test_the_server_keeps_a_session_for_each_rollout_and_gives_its_reward(
    play: PlayOne, model: ScriptedModel, counter_url: str
) -> None:
    model.script = moves(add(2), add(3))
    scored = await asyncio.gather(*(play(counter_url, index) for index in range(8)))
    assert [one.reward for one in scored] == [1.0] * 8  # one session for all would have counted all
    assert {one.cause for one in scored} == {Cause.COMPLETED}
    names = {tool["function"]["name"] for tool in model.requests[0]["tools"]}
    assert names == {"increment_counter", "get_counter_value"}


async def test_an_agent_that_does_nothing_earns_nothing(play: PlayOne, counter_url: str) -> None:
    scored = await play(counter_url)
    assert (scored.cause, scored.reward) == (Cause.COMPLETED, 0.0)


async def test_what_the_server_refuses_is_told_to_the_agent(
    play: PlayOne, model: ScriptedModel, counter_url: str
) -> None:
    wrong = {"role": "assistant", "content": "", "tool_calls": [tool_call("increment_counter", {"by": 2})]}
    model.script = moves(wrong, add(2), add(3))
    assert (await play(counter_url)).reward == 1.0
    assert re.search("count.*required|required.*count", model.requests[1]["messages"][-1]["content"], re.I)


async def test_a_server_that_is_away_is_the_environments_fault(play: PlayOne) -> None:
    with pytest.raises(Failure) as failure:
        await play("http://127.0.0.1:9")
    assert failure.value.cause is Cause.ENVIRONMENT


def test_served_as_a_process_it_passes_the_conformance_suite(
    tmp_path: Path, rows: Path, counter_url: str
) -> None:
    settings = {"nemo_gym_server_url": counter_url, "nemo_gym_train_file": str(rows)}
    report = env_check(tmp_path, "nemo_gym", environment_capacity="4", **settings)
    assert not_passed(report) == []
    assert report["passed"] > 20
