"""A scripted policy behind a real HTTP server: it finds the answer by the evidence, or does as it is told."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from environments.search.question import Question


class ScriptedPolicy:
    """Answers chat completions about the questions it knows, unless `trick` has it do something else."""

    def __init__(self, questions: Mapping[str, Question], trick: str = "") -> None:
        self.questions = questions
        self.trick = trick
        self.asked: list[list[dict[str, Any]]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body["messages"])
        match self.trick:
            case "down":
                return web.json_response(
                    {"error": {"message": "no engine", "code": "engine_unavailable"}}, status=503
                )
            case "full":
                error = {"message": "too long", "code": "context_length_exceeded"}
                return web.json_response({"error": error}, status=400)
            case "nonsense":
                return web.json_response({"choices": "?"})
        message = self._message(body["messages"])
        usage = {"completion_tokens": 20, "total_tokens": len(json.dumps(body["messages"])) // 4}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})

    def _message(self, messages: list[dict[str, Any]]) -> dict[str, Any]:
        question = self.questions[messages[1]["content"]]
        turn = sum(message["role"] == "assistant" for message in messages)
        if self.trick == "silent":
            return {"role": "assistant", "content": ""}
        if self.trick == "endless":
            return _call(turn, "search", query=question.question)
        if self.trick == "garbled" and turn == 0:
            return {"role": "assistant", "content": '<tool_call>{"name": "search", "arg'}
        step, part = divmod(turn - (self.trick == "garbled"), 2)
        if step == len(question.evidence):
            return {"role": "assistant", "content": f"Found it.\nAnswer: {question.answer}"}
        triple = question.evidence[step]
        return (
            _call(turn, "search", query=triple.subject)
            if part == 0
            else _call(turn, "open", page=triple.page)
        )


def _call(turn: int, name: str, **arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": f"call_{turn}", "type": "function", "function": function}],
    }
