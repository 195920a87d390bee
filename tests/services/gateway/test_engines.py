"""Engines that fail, abort, talk nonsense or are not there."""

import asyncio
from typing import Any

import openai
import pytest
from fastapi import FastAPI, Request

from services.contracts.token_record import VersionSpan
from services.contracts.words import is_id
from services.gateway.fleet import Engine, Fleet, following
from services.kit.access import Signer
from services.kit.http import http_client
from services.rendering.chat import ChatRenderer
from services.transport.token_store import MemoryTokenStore
from tests.services.gateway.scene import FakeEngine, Plain, Scene, gateway, sequences, serving

HI: Plain = {"role": "user", "content": "hello"}


async def test_a_failed_call_is_made_again_under_another_id(scene: Scene) -> None:
    replies: list[Plain | int] = [503, scene.engine.reply(scene.engine.ids("hello"))]
    scene.engine.say = lambda _: replies.pop(0)
    assert (await scene.say([HI]))["content"] == "hello"
    first, second = scene.engine.requests
    assert first["input_ids"] == second["input_ids"]
    assert first["rid"] != second["rid"]
    assert is_id(first["rid"])
    assert await scene.metric("podium_gateway_engine_faults_total") == 1


async def test_an_aborted_generation_goes_on_where_it_stopped(scene: Scene) -> None:
    ids = scene.engine.ids("hello world")
    parts = [
        scene.engine.reply(ids[:1], "abort", "4"),
        scene.engine.reply([], "abort", "4"),
        scene.engine.reply(ids[1:], "stop", "5"),
    ]
    scene.engine.say = lambda _: parts.pop(0)
    assert (await scene.say([HI]))["content"] == "hello world"
    first, _, third = scene.engine.requests
    assert third["input_ids"] == [*first["input_ids"], *ids[:1]]
    assert third["sampling_params"]["max_new_tokens"] == first["sampling_params"]["max_new_tokens"] - 1
    assert third["extra_key"] == "v4"
    (record,) = await scene.records()
    assert record.arrays.sampled.tolist() == ids
    assert record.arrays.logprobs.tolist() == [-0.125, *(-(k + 1) / 8 for k in range(len(ids) - 1))]
    assert record.header.versions == (VersionSpan(4, 0, 1), VersionSpan(5, 1, len(ids)))
    sequences([record])


async def test_weight_versions_are_kept_by_token(scene: Scene) -> None:
    reply = scene.engine.reply(scene.engine.ids("hello"))
    reply["meta_info"]["weight_versions"] = [
        {"version": "default", "start": 0, "end": 1},
        {"version": "1", "start": 1, "end": 2},
    ]
    scene.engine.say = lambda _: reply
    said = await scene.say([HI])
    header = (await scene.records())[0].header
    assert header.versions == (VersionSpan(0, 0, 1), VersionSpan(1, 1, 2))
    await scene.say([HI, said, HI])
    assert [request["extra_key"] for request in scene.engine.requests] == ["v0", "v1"]
    assert {request["routing_key"] for request in scene.engine.requests} == {scene.rollout_id}


def _spoiled(name: str, reply: Plain) -> Plain:
    meta, ids = reply["meta_info"], reply["output_ids"]
    match name:
        case "too few log-probs":
            meta["output_token_logprobs"].pop()
        case "log-probs of other ids":
            meta["output_token_logprobs"][0][1] += 1
        case "missing log-prob":
            meta["output_token_logprobs"][0][0] = None
        case "infinite log-prob":
            meta["output_token_logprobs"][0][0] = float("-inf")
        case "not a number":
            meta["output_token_logprobs"][0][0] = float("nan")
        case "positive log-prob":
            meta["output_token_logprobs"][0][0] = 0.5
        case "outside the vocabulary":
            ids[0] = meta["output_token_logprobs"][0][1] = 512
        case "versions do not cover":
            meta["weight_versions"][0]["end"] -= 1
        case "version is no number":
            meta["weight_versions"][0]["version"] = "latest"
        case "nothing sampled":
            reply["output_ids"] = meta["output_token_logprobs"] = meta["weight_versions"] = []
        case "not JSON":
            meta["id"] = meta
    return reply


@pytest.mark.parametrize(
    "spoil",
    [
        "too few log-probs",
        "log-probs of other ids",
        "missing log-prob",
        "infinite log-prob",
        "not a number",
        "positive log-prob",
        "outside the vocabulary",
        "versions do not cover",
        "version is no number",
        "nothing sampled",
    ],
)
async def test_a_bad_reply_is_never_recorded(scene: Scene, spoil: str) -> None:
    good = scene.engine.reply(scene.engine.ids("world"))
    replies = [_spoiled(spoil, scene.engine.reply(scene.engine.ids("hello"))), good]
    scene.engine.say = lambda _: replies.pop(0)
    assert (await scene.say([HI]))["content"] == "world"
    assert len(await scene.records()) == 1


async def test_a_call_that_fails_late_is_still_made_again(renderer: ChatRenderer, signer: Signer) -> None:
    async with gateway(renderer, MemoryTokenStore(), signer, wait_s=0.2) as scene:
        replies: list[Plain | int] = [503, scene.engine.reply(scene.engine.ids("hello"))]
        scene.engine.say = lambda _: replies.pop(0)
        scene.engine.hold_s = 0.3
        assert (await scene.say([HI]))["content"] == "hello"


async def test_a_refusal_is_not_tried_again(scene: Scene) -> None:
    scene.engine.say = lambda _: 400
    with pytest.raises(openai.InternalServerError) as caught:
        await scene.say([HI])
    assert (caught.value.status_code, caught.value.code) == (502, "engine_refused")
    assert len(scene.engine.requests) == 1


@pytest.mark.parametrize("state", ["quarantined", "down"])
async def test_no_engine_in_time(scene: Scene, state: Any) -> None:
    scene.fleet.update([Engine("first", "http://127.0.0.1:9", state)])
    with pytest.raises(openai.InternalServerError) as caught:
        await scene.say([HI])
    assert (caught.value.status_code, caught.value.code) == (503, "engine_unavailable")
    assert await scene.records() == []


async def test_a_dead_engine_in_time(scene: Scene) -> None:
    scene.fleet.update([Engine("first", "http://127.0.0.1:9")])
    waiting = asyncio.create_task(scene.say([HI]))
    await asyncio.sleep(0.2)
    scene.engine.texts = ["hello"]
    async with serving(scene.engine.app()) as url:
        scene.fleet.update([Engine("first", url)])
        assert (await waiting)["content"] == "hello"


async def test_rollouts_stay_and_only_those_of_a_lost_engine_move(scene: Scene) -> None:
    other = FakeEngine(scene.renderer)
    for engine in (scene.engine, other):
        engine.say = lambda _: scene.engine.reply(scene.engine.ids("hello"))
    (first,) = scene.fleet.engines
    async with serving(other.app()) as url:
        scene.fleet.update([first, Engine("second", url)])
        rollouts = [f"{i:032x}" for i in range(12)]
        said = {"role": "assistant", "content": "hello"}
        for turn in range(2):
            for rollout_id in rollouts:
                await _turn(scene, rollout_id, [HI, *[said, HI] * turn])
        before = {request["routing_key"]: "first" for request in scene.engine.requests}
        before |= {request["routing_key"]: "second" for request in other.requests}
        assert len(scene.engine.requests) + len(other.requests) == 24
        assert all(sum(r["routing_key"] == key for r in scene.engine.requests) in (0, 2) for key in rollouts)
        assert 4 <= sum(engine == "first" for engine in before.values()) <= 8

        scene.fleet.update([first, Engine("second", url, "quarantined")])
        for engine in (scene.engine, other):
            engine.requests.clear()
        for rollout_id in rollouts:
            await _turn(scene, rollout_id, [HI, *[said, HI] * 2])
        assert (len(scene.engine.requests), len(other.requests)) == (12, 0)

        scene.fleet.update([first, Engine("second", url)])
        for rollout_id in rollouts:
            await _turn(scene, rollout_id, [HI, *[said, HI] * 3])
        assert (len(scene.engine.requests), len(other.requests)) == (24, 0), "a moved rollout stays"
    for rollout_id in rollouts:
        sequences(await scene.store.records(rollout_id, 1))


async def test_a_call_to_an_engine_that_hangs_moves_when_the_engine_is_lost(scene: Scene) -> None:
    """It accepts, never answers, and keeps its connections; one look at it as down is not enough."""
    other, asked = FakeEngine(scene.renderer, ["hello"]), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        await reader.read()
        writer.close()

    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    host, port = hanging.sockets[0].getsockname()
    first = Engine("first", f"http://{host}:{port}")
    scene.fleet.update([first])
    scene.fleet._lost_s = 0.2
    async with hanging, serving(other.app()) as url, asyncio.timeout(30):
        waiting = asyncio.create_task(scene.say([HI]))
        await asked.wait()
        lost = [Engine("first", first.url, "down"), Engine("second", url)]
        scene.fleet.update(lost)
        await asyncio.sleep(0.1)
        scene.fleet.update([first, Engine("second", url)])
        scene.fleet.update(lost)
        await asyncio.sleep(0.15)
        scene.fleet.update(lost)
        assert not waiting.done()
        assert other.requests == []
        await asyncio.sleep(0.1)
        scene.fleet.update(lost)
        assert (await waiting)["content"] == "hello"
    (record,) = await scene.records()
    assert record.header.engine == "second"


async def _turn(scene: Scene, rollout_id: str, messages: list[Any]) -> None:
    client = scene.client(scene.key(rollout_id))
    await client.chat.completions.create(model="any", messages=messages)


async def test_the_fleet_follows_the_orchestrator() -> None:
    app, seen = FastAPI(), []
    engines = [{"engine_id": "e1", "url": "http://x", "state": "updating", "weight_version": 7, "new": 1}]

    @app.get("/v1/engines")
    def listed(request: Request) -> Any:
        seen.append(request.headers["authorization"])
        return {"engines": engines} if len(seen) != 2 else {"engines": "nonsense"}

    fleet = Fleet()
    async with (
        serving(app) as url,
        http_client(base_url=url, token="t") as client,
        following(fleet, client, 0.02),
        asyncio.timeout(5),
    ):
        while len(seen) < 3:
            await asyncio.sleep(0.01)
        engine = fleet.engine_for("rollout")
        assert engine == Engine("e1", "http://x", "updating", 7)
        engines[0]["state"] = "down"
        while fleet.engine_for("rollout"):
            await asyncio.sleep(0.01)
    assert set(seen) == {"Bearer t"}
