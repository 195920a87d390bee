"""A bad network between gateway and engine, and between gateway and Redis: one chain of records."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from services.gateway.fleet import Engine
from services.kit.access import Signer
from services.rendering.chat import ChatRenderer
from services.transport.connection import connect
from services.transport.token_store import RedisTokenStore
from tests.proxy import Fault, Proxy, proxied
from tests.services.gateway.scene import Scene, gateway, sequences

HI = {"role": "user", "content": "hello"}
TURNS = 4
FAULTS: tuple[Fault, ...] = ("delay", "refuse", "reset", "half_open", "short", "slow")


async def converse(scene: Scene, proxy: Proxy, fault: Fault) -> list[Any]:
    """Turns of an agent whose client tries again; the fault comes with the second and goes by itself."""
    client = scene.client(max_retries=20, timeout=2.0)
    messages: list[Any] = []
    for turn in range(TURNS):
        messages.append(HI)
        if turn == 1:
            proxy.break_down(fault)
            asyncio.get_running_loop().call_later(0.3, proxy.heal)
        reply = await client.chat.completions.create(model="any", messages=messages)
        messages.append(reply.choices[0].message.model_dump(exclude_none=True))
    return messages


async def check(scene: Scene, messages: list[Any]) -> None:
    """What the agent saw is one chain of records, in which nothing is missing."""
    records = await scene.records()
    ends = sequences(records)
    assert len(ends) == len(records)
    chain, header = [], max(records, key=lambda record: len(ends[record.header.call_id])).header
    by_id = {record.header.call_id: record.header for record in records}
    while True:
        chain.append(header.messages[-1]["content"])
        if header.parent is None:
            break
        header = by_id[header.parent]
    assert chain[::-1] == [message["content"] for message in messages if message["role"] == "assistant"]


def answers(scene: Scene) -> None:
    """Each reply says how many ids it was asked with, so that no two of a conversation are alike."""
    scene.engine.say = lambda body: scene.engine.reply(scene.engine.ids(f"done {len(body['input_ids'])}"))


@pytest.mark.parametrize("fault", FAULTS)
async def test_between_gateway_and_engine(scene: Scene, fault: Fault) -> None:
    answers(scene)
    (first,) = scene.fleet.engines
    async with proxied(first.url) as proxy:
        scene.fleet.update([Engine("first", proxy.url)])
        messages = await converse(scene, proxy, fault)
        assert proxy.hit > 0
        await check(scene, messages)


@pytest.mark.parametrize("fault", FAULTS)
async def test_between_gateway_and_redis(
    renderer: ChatRenderer, signer: Signer, redis: Redis, redis_url: str, fault: Fault
) -> None:
    address = redis_url.removeprefix("redis://").removesuffix("/0")
    async with proxied(f"http://{address}") as proxy:
        through = connect(f"redis://{proxy.url.removeprefix('http://')}/0")
        async with gateway(renderer, RedisTokenStore(through), signer) as scene:
            answers(scene)
            messages = await converse(scene, proxy, fault)
            assert proxy.hit > 0
            scene.store = RedisTokenStore(redis)
            await check(scene, messages)
        await through.aclose()
