"""A gateway to test: its real HTTP face, an engine that says what a test wants, and a store to look into."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from openai import AsyncOpenAI

from services.contracts.token_record import TokenRecord, ids_digest
from services.contracts.words import new_id
from services.gateway.app import create_app
from services.gateway.engine_client import EngineClient
from services.gateway.fleet import Engine, Fleet
from services.gateway.metrics import GatewayMetrics
from services.gateway.sampler import Sampler
from services.gateway.session import Sessions
from services.gateway.turn import Turns
from services.kit.access import Claims, Scope, Signer
from services.rendering.chat import ChatRenderer
from services.transport.token_store import TokenStore

Plain = dict[str, Any]
Say = Callable[[Plain], Plain | int]

BASH: Plain = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command.",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}},
    },
}


@dataclass
class FakeEngine:
    """Answers `/generate` as SGLang does, with what `say` returns: a reply, or a status to fail with.

    Without a `say` it takes the next of `texts`, encoded and closed; `hold_s` delays each reply.
    """

    renderer: ChatRenderer
    texts: list[str] = field(default_factory=list)
    say: Say | None = None
    hold_s: float = 0.0
    requests: list[Plain] = field(default_factory=list)

    def reply(self, ids: Sequence[int], finish: str = "stop", version: str = "default") -> Plain:
        """A reply of these ids; the log-probability of the k-th is -(k + 1) / 8."""
        return {
            "output_ids": list(ids),
            "meta_info": {
                "finish_reason": {"type": finish},
                "weight_version": version,
                "weight_versions": [{"version": version, "start": 0, "end": len(ids)}],
                "output_token_logprobs": [[-(k + 1) / 8, token, None] for k, token in enumerate(ids)],
                "cached_tokens": 0,
            },
        }

    def ids(self, text: str) -> list[int]:
        """A reply's text as the tokenizer splits it, closed as the model closes a turn."""
        return [*self.renderer.tokenizer.encode(text), self.renderer.stop_token_ids[0]]

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/generate")
        async def generate(request: Request) -> Response:
            body = json.loads(await request.body())
            self.requests.append(body)
            await asyncio.sleep(self.hold_s)
            said = self.say(body) if self.say else self.reply(self.ids(self.texts.pop(0)))
            if isinstance(said, int):
                return Response('{"error": "as the test wants"}', said)
            return Response(json.dumps(said), media_type="application/json")

        return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The address of `app` on a free port, under a real server."""
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="on", ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    await server.shutdown()


@dataclass
class Scene:
    """A gateway at `url`, and what stands around it."""

    url: str
    openai: AsyncOpenAI
    engine: FakeEngine
    store: TokenStore
    renderer: ChatRenderer
    signer: Signer
    fleet: Fleet
    rollout_id: str = field(default_factory=new_id)

    def key(self, rollout_id: str | None = None, attempt: int = 1, **sampling: Any) -> str:
        claims = Claims(Scope.ROLLOUT, rollout_id or self.rollout_id, attempt, **sampling)
        return self.signer.mint(claims, 60)

    def client(self, key: str | None = None, **options: Any) -> AsyncOpenAI:
        """An unmodified client of the scene's rollout, or with a key of its own."""
        return self.openai.with_options(api_key=key or self.key(), **options)

    async def say(self, messages: Sequence[Any], tools: Sequence[Any] = (), **options: Any) -> Plain:
        """One turn of the scene's rollout; the assistant message as plain data."""
        wish: Plain = {"tools": list(tools)} if tools else {}
        reply = await self.client().chat.completions.create(
            model="any", messages=list(messages), **wish, **options
        )
        message: Plain = reply.choices[0].message.model_dump(exclude_none=True)
        return message

    async def metric(self, name: str) -> float:
        """The value of one line of `/metrics`; 0 if it is not there."""
        async with httpx.AsyncClient() as client:
            lines = (await client.get(f"{self.url}/metrics")).text.splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name)), 0.0)

    async def records(self, attempt: int = 1) -> list[TokenRecord]:
        return await self.store.records(self.rollout_id, attempt)


@asynccontextmanager
async def gateway(
    renderer: ChatRenderer,
    store: TokenStore,
    signer: Signer,
    *,
    engine: FakeEngine | None = None,
    context_length: int = 4096,
    wait_s: float = 1.0,
) -> AsyncIterator[Scene]:
    """A gateway over one fake engine."""
    engine = engine or FakeEngine(renderer)
    metrics = GatewayMetrics()
    async with serving(engine.app()) as engine_url:
        fleet = Fleet([Engine("first", engine_url)], shun_s=0.05)
        client = EngineClient(renderer.vocabulary_size, 10)
        sampler = Sampler(fleet, client, metrics, renderer.stop_token_ids, wait_s, 0.01)
        turns = Turns(Sessions(store, fleet.placements), renderer, sampler, metrics, context_length)
        app = create_app(
            turns=turns,
            signer=signer,
            renderer=renderer,
            metrics=metrics,
            model_name="policy",
            lifetimes=[client],
        )
        async with (
            serving(app) as url,
            AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as openai,
        ):
            yield Scene(url, openai, engine, store, renderer, signer, fleet)


def sequences(records: Sequence[TokenRecord]) -> dict[str, list[int]]:
    """Every id up to the end of each call, put together from the records alone.

    Fails if a record's prompt is not what its engine was sent.
    """
    ends: dict[str, list[int]] = {}
    for record in sorted(records, key=lambda record: record.header.index):
        header, arrays = record.header, record.arrays
        sent = [*ends.get(header.parent or "", []), *arrays.prompt.tolist()]
        assert ids_digest(np.asarray(sent, np.int32)) == arrays.input_digest
        ends[header.call_id] = [*sent, *arrays.sampled.tolist()]
    return ends
