"""A model without weights that speaks OpenAI's wire: each rollout's key has a script of its own."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from services.contracts.words import new_id

Json = dict[str, Any]
Script = Callable[[Json], Awaitable[Json]]  # the body of a request → the assistant's message


class ModelFails(Exception):
    """A script's way to answer as an engine that is broken, and what callers hear once all is over."""


async def done(_: Json) -> Json:
    """The scripted agent's only word: it never calls a tool."""
    return {"role": "assistant", "content": "done"}


async def hang(_: Json) -> Json:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


async def fail(_: Json) -> Json:
    raise ModelFails


@dataclass
class ScriptedModel:
    """`POST /v1/chat/completions`, streamed or whole. `scripts` by API key; `calls` counts by key."""

    scripts: dict[str, Script] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    names: dict[str, str] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def mount(self, app: FastAPI) -> None:
        app.post("/v1/chat/completions")(self._complete)

    async def _complete(self, request: Request) -> Response:
        key = (request.headers.get("authorization") or "").removeprefix("Bearer ")
        if key not in self.scripts:
            return _error(401, "this key opens no rollout: send model.api_key of the rollout as bearer token")
        try:
            body = dict(await request.json())
        except ValueError:
            return _error(400, "the body is no JSON object")
        self.calls[key] += 1
        self.names[key] = str(body.get("model"))
        try:
            message = await self._answer(self.scripts[key], body)
        except ModelFails:
            return _error(500, "the engine is broken, on purpose")
        completion = _completion(body, message)
        return _streamed(completion) if body.get("stream") else JSONResponse(completion)

    async def _answer(self, script: Script, body: Json) -> Json:
        """What the script says, unless all is over before. Raises ModelFails."""
        answer, over = asyncio.ensure_future(script(body)), asyncio.ensure_future(self.over.wait())
        try:
            await asyncio.wait((answer, over), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ModelFails
            return answer.result()
        finally:
            answer.cancel()
            over.cancel()


def _completion(body: Mapping[str, Any], message: Json) -> Json:
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    sampled = max(1, len(json.dumps(message)) // 4)
    prompt = max(1, len(json.dumps(body.get("messages", []))) // 4)
    return {
        "id": f"chatcmpl-{new_id()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": sampled,
            "total_tokens": prompt + sampled,
        },
    }


def _streamed(completion: Json) -> Response:
    """The same in two chunks: the message, then how it finished."""
    choice = completion["choices"][0]
    calls = [{"index": i, **call} for i, call in enumerate(choice["message"].get("tool_calls") or ())]
    delta = {**choice["message"], **({"tool_calls": calls} if calls else {})}
    shared = {**completion, "object": "chat.completion.chunk"}
    chunks = [
        {**shared, "usage": None, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**shared, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]},
    ]
    return StreamingResponse(_events(chunks), media_type="text/event-stream")


async def _events(chunks: list[Json]) -> AsyncIterator[str]:
    for chunk in chunks:
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "error", "code": None}}, status)
