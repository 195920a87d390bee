"""Whole rollouts of a terminal task: what is said, what is scored, and which cause each ending has."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from fastapi import Response
from fastapi.responses import JSONResponse

from environments.bash import BASH_TOOL, PROMPT
from tests.environments.conftest import World
from tests.environments.standins import (
    ANSWER_TEST,
    Json,
    completion,
    drops_first,
    moves,
    rollout_request,
    said,
    tool_call,
    write_task,
)
from tests.environments.terminal.harbor import two_steps
from tests.processes import box_processes

RIGHT = "echo right > answer.txt"


def openai_error(status: int, code: str) -> Response:
    return JSONResponse({"error": {"message": f"it is {code}", "type": "x", "code": code}}, status)


def tool_messages(world: World) -> list[str]:
    """What the model was told, seen from its last request."""
    return [m["content"] for m in world.model.requests[-1]["messages"] if m["role"] == "tool"]


async def test_a_good_rollout_is_rewarded(world: World) -> None:
    world.model.script = moves("pwd; ls", RIGHT)
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"], outcome["turns"]) == ("completed", 1.0, 3)
    assert outcome["components"] == {"reward": 1.0}
    first, second = world.model.requests[:2]
    assert first["messages"] == [
        {"role": "system", "content": PROMPT.system},
        {"role": "user", "content": "Write right to answer.txt."},
    ]
    assert first["tools"] == [BASH_TOOL]
    assert second["messages"][:2] == first["messages"]
    assert second["messages"][3]["content"] == "/app\ngiven.txt\n[exit 0]"
    assert set(world.model.keys) == {"Bearer rollout-key"}


async def test_assistant_messages_go_back_as_they_came(world: World) -> None:
    odd = {**said(RIGHT), "reasoning_content": " hm ", "content": None}
    world.model.script = moves(odd)
    await world.play()
    assert world.model.requests[1]["messages"][2] == odd


@pytest.mark.parametrize("script", [(), ("echo wrong > answer.txt",), ("ls", "cat given.txt")])
async def test_a_bad_rollout_has_a_valid_reward_of_zero(world: World, script: tuple[str, ...]) -> None:
    world.model.script = moves(*script)
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == ("completed", 0.0)


async def test_out_of_turns_is_scored_as_it_stands(world: World) -> None:
    world.model.script = moves(RIGHT, *["true"] * 10)
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"], outcome["turns"]) == ("budget", 1.0, 4)
    assert outcome["details"]["ended"] == "turns"


async def test_out_of_tokens_is_scored_as_it_stands(world: World) -> None:
    first = JSONResponse(completion(said(RIGHT), tokens=60))
    world.model.script = moves(first, JSONResponse(completion(said("ls"), tokens=40)))
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == ("budget", 1.0)
    assert outcome["details"]["ended"] == "tokens"
    assert [request["max_tokens"] for request in world.model.requests] == [100, 40]


async def test_a_reply_that_was_cut_off_is_the_end_of_the_budget(world: World) -> None:
    world.model.script = moves(JSONResponse(completion("", finish_reason="length")))
    outcome = await world.play()
    assert (outcome["cause"], outcome["details"]["ended"]) == ("budget", "tokens")


async def test_out_of_context_is_scored_as_it_stands(world: World) -> None:
    world.model.script = moves(RIGHT, openai_error(400, "context_length_exceeded"))
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == ("budget", 1.0)
    assert outcome["details"]["ended"] == "context"


async def test_out_of_time_is_scored_as_it_stands(world: World) -> None:
    world.model.script = moves(RIGHT, "sleep 60")
    world.model.delay_s = 0.3
    outcome = await world.play(deadline_s=2.0)
    assert (outcome["cause"], outcome["reward"]) == ("budget", 1.0)
    assert outcome["details"]["ended"] == "time"


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (503, "engine_unavailable", "engine"),
        (500, "internal", "engine"),
        (401, "invalid_api_key", "environment"),
        (403, "attempt_over", "cancelled"),
        (400, "bad_request", "environment"),
    ],
)
async def test_failures_of_the_model_keep_their_address(
    world: World, status: int, code: str, cause: str
) -> None:
    world.model.script = moves(RIGHT, openai_error(status, code))
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == (cause, None)
    assert f"{status}: it is {code}" in outcome["error"]


async def test_a_call_that_broke_off_is_sent_again_under_its_key(world: World, tmp_path: Path) -> None:
    world.model.script = moves(RIGHT)
    async with drops_first(world.model_url, tmp_path) as door:
        request = rollout_request(door, world.ear_url)
        assert (await world.post(request)).status_code == 202
        outcome = await world.ear.outcome()
    assert (outcome["cause"], outcome["reward"], outcome["turns"]) == ("completed", 1.0, 2)
    first, again, second = world.model.idempotency_keys
    assert first == again != second


async def test_a_reply_that_is_no_completion_is_a_failure_of_the_engine(world: World) -> None:
    world.model.script = moves(JSONResponse({"choices": []}))
    assert (await world.play())["cause"] == "engine"


async def test_mistakes_in_tool_calls_are_answered_and_cost_a_turn(world: World) -> None:
    def calls(*made: Json) -> Json:
        return {"role": "assistant", "content": "", "tool_calls": list(made)}

    world.model.script = moves(
        calls(tool_call("python", {"command": "1"}), tool_call("bash", "{not json")),
        calls(tool_call("bash", {"cmd": "ls"}), tool_call("bash", {"command": "echo hi"})),
        {"role": "assistant", "content": "<tool_call>{broken</tool_call>"},
    )
    outcome = await world.play()
    assert (outcome["cause"], outcome["turns"]) == ("completed", 4)
    assert tool_messages(world) == [
        "error: there is no tool 'python', only bash\n[exit 2]",
        "error: the arguments are not JSON: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)\n[exit 2]",
        "error: the arguments lack a text 'command'\n[exit 2]",
        "hi\n[exit 0]",
    ]
    assert world.model.requests[-1]["messages"][-1]["role"] == "user"


async def test_a_command_that_runs_out_of_time_says_so(world: World) -> None:
    world.model.script = moves("printf begun; sleep 60", RIGHT)
    assert (await world.play())["reward"] == 1.0
    assert tool_messages(world)[0] == "begun\n[stopped after 1 s; the shell was started again]\n[exit 124]"


async def test_a_command_that_floods_says_what_is_missing(world: World) -> None:
    world.model.script = moves("yes", RIGHT)
    assert (await world.play())["reward"] == 1.0
    flood = tool_messages(world)[0]
    assert "bytes left out ...]" in flood
    assert len(flood) < 9_000


class TestVerifier:
    """What the tests leave behind decides, and nothing else."""

    @pytest.fixture
    def tests(self) -> str:
        return ANSWER_TEST

    @pytest.fixture
    def tasks_dir(self, tmp_path: Path, tests: str) -> Path:
        extra = '[verifier]\ntimeout_sec = 1\nenv = { GREETING = "${MISSING:-hello there}" }\n'
        write_task(tmp_path / "tasks/train/0", tests=tests, extra=extra)
        return tmp_path / "tasks"

    @pytest.mark.parametrize(
        ("tests", "said"),
        [
            ("true", "neither reward.json nor reward.txt"),
            (": > /logs/verifier/reward.txt", "reward.txt is '', not a number"),
            ("echo nan > /logs/verifier/reward.txt", "reward.txt is nan, not a finite number"),
            ("echo yes > /logs/verifier/reward.txt; echo look here", "look here"),
            ("echo '{\"a\": 1e999}' > /logs/verifier/reward.json", "a is inf, not a finite number"),
            ("ln -s /tests/answer /logs/verifier/reward.txt; echo 1 > /tests/answer", "neither"),
            ("sleep 60", "the tests ran out of 1 s"),
        ],
    )
    async def test_no_proper_reward_is_a_failure_of_the_verifier(self, world: World, said: str) -> None:
        outcome = await world.play()
        assert (outcome["cause"], outcome["reward"]) == ("verifier", None)
        assert said in outcome["error"]

    @pytest.mark.parametrize(
        ("tests", "reward", "components"),
        [
            ("echo 0.25 > /logs/verifier/reward.txt; exit 7", 0.25, {"reward": 0.25}),
            ("echo -2 > /logs/verifier/reward.txt", -2.0, {"reward": -2.0}),
            (
                'cd /logs/verifier; echo \'{"style": 1, "speed": 0}\' > reward.json; echo 9 > reward.txt',
                0.5,
                {"style": 1.0, "speed": 0.0},
            ),
            (
                '[ "$GREETING" = "hello there" ] && [ "$PWD" = /app ] && [ "$HOME" = /root ] &&'
                " [ $0 = /tests/test.sh ] && echo 1 > /logs/verifier/reward.txt",
                1.0,
                {"reward": 1.0},
            ),
        ],
    )
    async def test_rewards_are_read_as_harbor_reads_them(
        self, world: World, reward: float, components: dict[str, float]
    ) -> None:
        outcome = await world.play()
        assert (outcome["cause"], outcome["reward"]) == ("completed", reward)
        assert outcome["components"] == components


async def test_a_sandbox_that_dies_is_not_a_reward(world: World) -> None:
    world.model.script = moves("echo $$ > pid; sleep 30")
    assert (await world.post(world.request())).status_code == 202
    while not (boxes := box_processes(os.getpid())):
        await asyncio.sleep(0.01)
    while not world.model.requests:
        await asyncio.sleep(0.01)
    for box in boxes:
        os.kill(box, signal.SIGKILL)
    outcome = await world.ear.outcome()
    assert (outcome["cause"], outcome["reward"]) == ("sandbox", None)


async def test_a_model_that_is_away_until_time_is_up_is_no_budget(world: World) -> None:
    request = rollout_request("http://127.0.0.1:9", world.ear_url, deadline_s=2.0)
    assert (await world.post(request)).status_code == 202
    outcome = await world.ear.outcome()
    assert (outcome["cause"], outcome["reward"]) == ("engine", None)
    assert "could not be reached until time was up" in outcome["error"]


class TestSteps:
    @pytest.fixture
    def tasks_dir(self, tmp_path: Path) -> Path:
        two_steps(tmp_path / "tasks/train/0", least="0.2")
        return tmp_path / "tasks"

    async def test_tokens_spent_in_one_step_leave_the_next_one_graded_as_it_stands(
        self, world: World
    ) -> None:
        world.model.script = moves(JSONResponse(completion(said("ls"), tokens=100)))
        outcome = await world.play()
        assert (outcome["cause"], outcome["reward"]) == ("budget", 0.25)
        assert len(world.model.requests) == 1
