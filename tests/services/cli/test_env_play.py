"""A person plays an environment's task line by line, and ends with its reward or by giving up."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from environments.examples.letters.environment import Question, question_of
from services.cli.authoring.person import Unclear, message
from services.contracts.environment import TaskRef
from services.kit.ports import free_port
from tests.services.cli.own_environment import PODIUM, new, serving

Play = tuple[str, int]

TASK = TaskRef(split="train", index=3)
ONE = {"name": "spell", "parameters": {"properties": {"word": {"type": "string"}}}}
TWO = {"name": "move", "parameters": {"properties": {"from": {}, "to": {}}}}


@pytest.fixture
def question() -> Question:
    return question_of(TASK)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Play]:
    """The environment's address, and the port at which it awaits its orchestrator."""
    assert new(tmp_path, "chess").returncode == 0
    port = free_port()
    with serving(tmp_path, "chess", port) as url:
        yield url, port


def play(place: Play, typed: str, index: int = TASK.index) -> subprocess.CompletedProcess[str]:
    url, port = place
    command = [*PODIUM, "env", "play", url, "--index", str(index), "--orchestrator-port", str(port)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=90, check=False)


def test_who_plays_well_has_the_reward(place: Play, question: Question) -> None:
    told = play(place, f"/spel {question.word}\n/spell {question.word}\n{question.answer}\n")
    assert told.returncode == 0, told.stderr
    assert question.text in told.stdout
    assert "there is no tool 'spel'; there is: /spell" in told.stdout
    assert "\n".join(question.word) in told.stdout
    assert "reward 1 (completed) correct 1" in told.stdout


def test_who_plays_badly_has_none(place: Play, question: Question) -> None:
    told = play(place, f"{question.answer + 1}\n")
    assert (told.returncode, "reward 0 (completed) correct 0" in told.stdout) == (0, True), told.stderr


def test_who_gives_up_has_no_reward(place: Play, question: Question) -> None:
    told = play(place, f"/spell {question.word}\n")
    assert (told.returncode, told.stderr) == (1, "given up: the rollout is cancelled\n")


def test_a_task_that_there_is_not(place: Play) -> None:
    told = play(place, "1\n", index=100_000)
    assert told.returncode == 1
    assert "100000" in told.stderr


def test_nobody_there() -> None:
    command = [*PODIUM, "env", "play", f"http://127.0.0.1:{free_port()}"]
    told = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, "cannot be reached" in told.stderr) == (3, True)


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("/spell hello there", {"word": "hello there"}),
        ('/spell {"word": "x"}', {"word": "x"}),
        ('/move {"from": 1}', {"from": 1}),
        ("/move", {}),
    ],
)
def test_a_line_is_a_call(line: str, arguments: dict[str, object]) -> None:
    (call,) = message(line, [ONE, TWO])["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == arguments


@pytest.mark.parametrize("line", ["/move a b", "/move [1]", "/nothing"])
def test_a_line_that_is_no_call_says_what_would_be(line: str) -> None:
    with pytest.raises(Unclear, match="move"):
        message(line, [ONE, TWO])
