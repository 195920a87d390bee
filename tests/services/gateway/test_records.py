"""Record before reply: what an agent has seen is kept, and what is not kept nobody has seen."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from redis.asyncio import Redis

from services.contracts.token_record import TokenRecord
from services.contracts.words import new_id
from services.kit.access import Claims, Scope, Signer
from services.rendering.chat import ChatRenderer
from services.transport.token_store import MemoryTokenStore, RedisTokenStore
from tests.services.gateway.scene import FakeEngine, Plain, Scene, gateway, sequences, serving

HI: Plain = {"role": "user", "content": "hello"}


class FailingStore(MemoryTokenStore):
    """Fails to keep a record once, before or after it has kept it."""

    def __init__(self, *, kept: bool) -> None:
        super().__init__()
        self.kept = kept
        self.failures = 1

    async def append(self, record: TokenRecord) -> None:
        if self.failures == 0 or self.kept:
            await super().append(record)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the store went away")


@pytest.mark.parametrize("kept", [False, True])
async def test_no_confirmed_record_no_reply(renderer: ChatRenderer, signer: Signer, kept: bool) -> None:
    async with gateway(renderer, FailingStore(kept=kept), signer) as scene:
        scene.engine.texts = ["hello", "hello", "world"]
        with pytest.raises(openai.InternalServerError) as caught:
            await scene.say([HI])
        assert (caught.value.status_code, caught.value.code) == (503, "record_not_kept")
        said = await scene.say([HI])
        await scene.say([HI, said, HI])
        records = await scene.records()
        assert len(records) == 2 + kept
        assert len({record.header.index for record in records}) == len(records)
        sequences(records)


async def test_a_record_is_there_when_its_reply_is(
    renderer: ChatRenderer, signer: Signer, redis: Redis
) -> None:
    async with gateway(renderer, RedisTokenStore(redis), signer) as scene:
        scene.engine.texts = ["hello"] * 8
        messages = [HI]
        for turn in range(4):
            said = await scene.say(messages)
            assert len(await scene.records()) == turn + 1
            messages += [said, HI]
        sequences(await scene.records())


async def test_parallel_calls_have_places_of_their_own(
    renderer: ChatRenderer, signer: Signer, redis: Redis
) -> None:
    async with gateway(renderer, RedisTokenStore(redis), signer) as scene:
        scene.engine.texts = ["hello"] * 17
        said = await scene.say([HI])
        asides = [[HI, said, {"role": "user", "content": str(i)}] for i in range(16)]
        await asyncio.gather(*(scene.say(aside) for aside in asides))
        records = await scene.records()
    assert [record.header.index for record in records] == list(range(17))
    assert sorted(record.header.branch for record in records) == [0, *range(16)]
    assert {record.header.parent for record in records[1:]} == {records[0].header.call_id}


async def test_a_client_that_hangs_up_leaves_no_record(scene: Scene) -> None:
    scene.engine.texts = ["hello", "hello"]
    scene.engine.hold_s = 0.3
    client = scene.client(timeout=0.1)
    with pytest.raises(openai.APITimeoutError):
        await client.chat.completions.create(model="any", messages=[HI])  # type: ignore[list-item]
    await asyncio.sleep(0.4)
    assert await scene.records() == []
    await scene.say([HI])
    assert len(await scene.records()) == 1


async def test_an_idempotency_key_gets_the_recorded_reply_again(scene: Scene) -> None:
    scene.engine.texts = ["hello", "world"]
    replies = []
    client = scene.client()
    for key in ("one", "one", "two"):
        reply = await client.chat.completions.create(
            model="any",
            messages=[HI],  # type: ignore[list-item]
            extra_headers={"Idempotency-Key": key},
        )
        replies.append((reply.id, reply.choices[0].message.content))
    assert replies[0] == replies[1] != replies[2]
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(
            model="any",
            messages=[HI, HI],  # type: ignore[list-item]
            extra_headers={"Idempotency-Key": "one"},
        )
    assert len(await scene.records()) == 2


async def test_a_key_whose_first_request_still_runs_is_told_so(scene: Scene) -> None:
    scene.engine.texts = ["hello", "world"]
    scene.engine.hold_s = 0.2
    client = scene.client()
    twice = [
        client.chat.completions.create(
            model="any",
            messages=[HI],  # type: ignore[list-item]
            extra_headers={"Idempotency-Key": "one"},
        )
        for _ in range(2)
    ]
    first, second = await asyncio.gather(*twice, return_exceptions=True)
    assert {type(first), type(second)} > {openai.ConflictError}
    assert len(await scene.records()) == 1


async def test_a_repeated_request_without_a_word_is_sampled_anew(scene: Scene) -> None:
    scene.engine.texts = ["hello", "world"]
    assert (await scene.say([HI]))["content"] != (await scene.say([HI]))["content"]
    assert [record.header.branch for record in await scene.records()] == [0, 1]


@asynccontextmanager
async def process(
    settings: dict[str, str], ready: Path
) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
    """A gateway process and its address."""
    ready.unlink(missing_ok=True)
    environment = {**os.environ, **{f"PODIUM_GATEWAY_{k}": v for k, v in settings.items()}}
    child = subprocess.Popen([sys.executable, "-m", "services.gateway"], env=environment)
    try:
        async with asyncio.timeout(20):
            while not ready.exists():
                assert child.poll() is None, "the gateway did not start"
                await asyncio.sleep(0.02)
        yield ready.read_text(), child
    finally:
        child.kill()
        child.wait()


async def test_sigkill_loses_nothing_that_was_seen(
    renderer: ChatRenderer,
    model_folder: Path,
    signer: Signer,
    secret_file: Path,
    redis: Redis,
    redis_url: str,
    tmp_path: Path,
) -> None:
    rollout_id, store = new_id(), RedisTokenStore(redis)
    engine = FakeEngine(renderer, texts=["<think>\nhm\n</think>\n\nhello", "lost on the way", "world"])
    ready = tmp_path / "ready"
    key = signer.mint(Claims(Scope.ROLLOUT, rollout_id, 1), 60)
    async with serving(engine.app()) as engine_url:
        settings = {
            "PORT": "0",
            "READY_FILE": str(ready),
            "REDIS_URL": redis_url,
            "SECRET_FILE": str(secret_file),
            "MODEL_PATH": str(model_folder),
            "ENGINES": json.dumps([engine_url]),
        }
        async with process(settings, ready) as (url, child):
            said = await _say(url, key, [HI])
            await _say(url, key, [HI, said, HI])
            os.kill(child.pid, signal.SIGKILL)
        async with process(settings, ready) as (url, _):
            again = {"x-stainless-retry-count": "1"}
            replayed = await _say(url, key, [HI, said, HI], again)
            assert replayed["content"] == "lost on the way", "a retry gets the reply that it did not see"
            await _say(url, key, [HI, said, HI, replayed, HI])
    records = await store.records(rollout_id, 1)
    assert [record.header.parent for record in records[1:]] == [r.header.call_id for r in records[:-1]]
    assert [record.header.index for record in records] == [0, 1, 2]
    sent = [request["input_ids"] for request in engine.requests]
    assert list(sequences(records).values())[-1][: len(sent[-1])] == sent[-1]
    assert len(sent) == 3


async def _say(url: str, key: str, messages: list[Any], headers: dict[str, str] | None = None) -> Plain:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        reply = await client.chat.completions.create(model="any", messages=messages, extra_headers=headers)
        said: Plain = reply.choices[0].message.model_dump(exclude_none=True)
        return said


async def test_a_damaged_record_is_not_built_upon(
    renderer: ChatRenderer, signer: Signer, redis: Redis
) -> None:
    store = RedisTokenStore(redis)
    async with gateway(renderer, store, signer) as scene:
        scene.engine.texts = ["hello"]
        await scene.say([HI])
        rollout_id = scene.rollout_id
    raw: Any = redis
    (key,) = [key async for key in raw.scan_iter(f"*{rollout_id}*arrays")]
    for field, value in (await raw.hgetall(key)).items():
        await raw.hset(key, field, value[:-1] + bytes([value[-1] ^ 1]))
    async with gateway(renderer, store, signer) as scene:
        headers = {"authorization": f"Bearer {scene.key(rollout_id)}"}
        async with httpx.AsyncClient() as client:
            body = {"model": "any", "messages": [HI]}
            reply = await client.post(f"{scene.url}/v1/chat/completions", json=body, headers=headers)
        assert reply.status_code == 500
        assert reply.json()["error"]["cause"] == "lost"
        assert scene.engine.requests == []
