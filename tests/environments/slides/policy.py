"""A scripted policy behind a real HTTP server: it writes the oracle's pages, or does as it is told."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from environments.slides.deck import Deck
from environments.slides.oracle import oracle


class ScriptedPolicy:
    """Answers chat completions about the decks it knows, unless `trick` has it do something else."""

    def __init__(self, decks: Mapping[str, Deck], trick: str = "") -> None:
        self.decks = decks
        self.trick = trick
        self.asked: list[list[dict[str, Any]]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body["messages"])
        if self.trick == "down":
            error = {"message": "no engine", "code": "engine_unavailable"}
            return web.json_response({"error": error}, status=503)
        if self.trick == "full":
            error = {"message": "too long", "code": "context_length_exceeded"}
            return web.json_response({"error": error}, status=400)
        message = self._message(body["messages"])
        usage = {"completion_tokens": 20, "total_tokens": 100}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})

    def _message(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        pages = oracle(self.decks[messages[1]["content"]])
        turn = sum(message["role"] == "assistant" for message in messages)
        match self.trick:
            case "silent":
                return {"role": "assistant", "content": ""}
            case "endless":
                return _call(turn, "list_images")
            case "heavy":
                return _call(turn, "write_page", html="x" * 100_000) if turn == 0 else _said()
            case "garbled" if turn == 0:
                return {"role": "assistant", "content": '<tool_call>{"name": "write_page", "arg'}
        turn -= self.trick == "garbled"
        if turn < len(pages):
            return _call(turn, "write_page", html=pages[turn], page=str(turn + 1))
        return _call(turn, "render") if turn == len(pages) and self.trick == "careful" else _said()


def _said() -> dict[str, Any]:
    return {"role": "assistant", "content": "The slides are done."}


def _call(turn: int, name: str, **arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": f"call_{turn}", "type": "function", "function": function}],
    }
