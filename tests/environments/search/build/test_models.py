"""Models in the roles of guesser, agent and verifier, over a real endpoint."""

import json
from typing import Any

import pytest
from aiohttp import web

from environments.search.build.draft import Draft
from environments.search.build.models import ModelAgent, ModelGuesser, ModelVerifier
from environments.search.build.verification import NoVerdict
from environments.search.corpus.page import Page
from environments.search.endpoint import ChatEndpoint
from environments.search.graph.graph import Edge, Named
from environments.search.index.local import LocalIndex
from services.kit.http import http_client
from tests.environments.search.conftest import Serve

DRAFT = Draft("On which river does Elm lie?", Named("Elm"), Edge("lies_on", True))
INDEX = LocalIndex([Page("elm", "Elm", "Elm\n\nElm lies on Wend.")])


def says(*replies: dict[str, Any]) -> Any:
    left = list(replies)

    async def answer(request: web.Request) -> web.Response:
        reply = left.pop(0) if len(left) > 1 else left[0]
        return web.json_response({"choices": [{"message": {"role": "assistant", **reply}}]})

    return answer


def call(name: str, **arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"content": None, "tool_calls": [{"id": "1", "type": "function", "function": function}]}


async def test_a_guess_is_the_marked_answer(serve: Serve) -> None:
    async with http_client() as client:
        chat = ChatEndpoint(client, await serve(says({"content": "Well.\nAnswer: Wend"})), "m")
        assert await ModelGuesser(chat).guess(DRAFT, 0) == "Wend"


async def test_an_agent_uses_its_steps_and_no_more(serve: Serve) -> None:
    replies = [call("search", query="Elm"), call("open", page="elm"), {"content": "Answer: Wend"}]
    async with http_client() as client:
        for steps, answer in ((3, "Wend"), (2, "Wend"), (1, "")):
            chat = ChatEndpoint(client, await serve(says(*replies)), "m")
            assert await ModelAgent(chat, INDEX, INDEX).answer(DRAFT, steps) == answer


async def test_the_answer_is_asked_for_without_tools_when_the_steps_are_used_up(serve: Serve) -> None:
    asked: list[Any] = []
    many = call("search", query="Elm")
    many["tool_calls"] = [{**many["tool_calls"][0], "id": str(number)} for number in range(3)]
    replies = says(many, {"content": "Answer: Wend"})

    async def answer(request: web.Request) -> Any:
        asked.append(await request.json())
        return await replies(request)

    async with http_client() as client:
        chat = ChatEndpoint(client, await serve(answer), "m")
        assert await ModelAgent(chat, INDEX, INDEX).answer(DRAFT, 2) == "Wend"
    told = [message["content"] for message in asked[1]["messages"] if message["role"] == "tool"]
    assert ["no calls are left" in text for text in told] == [False, False, True]
    assert "tools" not in asked[1]


async def test_a_verdict_is_read_or_refused(serve: Serve) -> None:
    async with http_client() as client:
        chat = ChatEndpoint(
            client, await serve(says({"content": 'So: {"supported": true, "reason": "said"}'})), "m"
        )
        verdict = await ModelVerifier(chat, INDEX).verify(DRAFT, "Wend", ())
        assert (verdict.supported, verdict.reason) == (True, "said")
        for said in ("yes", '{"supported": "yes"}', "{}"):
            broken = ChatEndpoint(client, await serve(says({"content": said})), "m")
            with pytest.raises(NoVerdict):
                await ModelVerifier(broken, INDEX).verify(DRAFT, "Wend", ())
