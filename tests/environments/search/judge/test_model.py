"""A model as judge: its verdict counts, and its failure is the verifier's."""

import json
from typing import Any

import pytest
from aiohttp import web

from environments.search.endpoint import ChatEndpoint
from environments.search.judge.judge import FirstMatchThen
from environments.search.judge.model import ModelJudge
from environments.search.question import Question
from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.kit.http import http_client
from tests.environments.search.conftest import Serve

QUESTION = Question(question="Which tree?", answer="Elm", aliases=("Ulmus",))


def completion(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("said", "correct"),
    [
        ('{"extracted": "elm", "reason": "same", "correct": true}', True),
        ('```json\n{"extracted": "", "reason": "none", "correct": false}\n```', False),
        ('<think>{"correct": true}</think>{"reason": "no", "correct": false}', False),
    ],
)
async def test_a_verdict_counts(said: str, correct: bool, serve: Serve) -> None:
    asked: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response(completion(said))

    async with http_client() as client:
        judge = ModelJudge(ChatEndpoint(client, await serve(answer), "judge", "key"))
        assert (await judge.judge(QUESTION, "an elm tree")).correct is correct
    prompt = asked[0]["messages"][1]["content"]
    assert "Elm or Ulmus" in prompt
    mark = prompt.splitlines()[-1]
    assert prompt.count(f"\n{mark}") == 2
    assert asked[0]["temperature"] == 0.0


@pytest.mark.parametrize(
    "said",
    [
        "",
        "correct",
        "true",
        "[]",
        '{"correct": true}',
        '{"correct": "true", "reason": ""}',
        '{"correct": 1, "reason": ""}',
    ],
)
async def test_no_verdict_is_a_failure_of_the_verifier(said: str, serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(completion(said))

    async with http_client() as client:
        judge = ModelJudge(ChatEndpoint(client, await serve(answer), "judge"))
        with pytest.raises(Failure) as failure:
            await judge.judge(QUESTION, "Elm")
    assert failure.value.cause is Cause.VERIFIER


@pytest.mark.parametrize(("status", "body"), [(500, {}), (401, {}), (200, {"choices": []}), (200, [])])
async def test_a_judge_that_is_down_is_a_failure_of_the_verifier(
    status: int, body: Any, serve: Serve
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    async with http_client() as client:
        judge = ModelJudge(ChatEndpoint(client, await serve(answer), "judge", attempts=2))
        with pytest.raises(Failure) as failure:
            await judge.judge(QUESTION, "Elm")
    assert failure.value.cause is Cause.VERIFIER


async def test_what_letters_settle_never_reaches_the_model() -> None:
    class Never:
        async def judge(self, question: Question, answer: str) -> Any:
            raise AssertionError(json.dumps(answer))

    judge = FirstMatchThen(Never())
    assert (await judge.judge(QUESTION, "ulmus")).method == "normalised"
    assert (await judge.judge(QUESTION, "Elm")).method == "exact"
    assert not (await judge.judge(QUESTION, "")).correct
