"""The engine fleet: everyone to the newest weights, nobody left paused, the failing set apart."""

import time
from pathlib import Path

from services.contracts.weights import WeightAnnouncement
from services.kit.access import Scope
from tests.orchestrator.conftest import Running, Start
from tests.orchestrator.scripted import ScriptedEngine, served, until


def weights(version: int) -> WeightAnnouncement:
    return WeightAnnouncement(version, f"/weights/{version}", version, "d", time.time())


def states(running: Running) -> list[tuple[str, int]]:
    return [(engine.state, engine.weight_version) for engine in running.parts.fleet.engines.values()]


async def test_an_update_pauses_updates_verifies_and_continues(start: Start) -> None:
    async with start() as running:
        await until(lambda: states(running) == [("healthy", 0)])
        running.engine.calls.clear()
        await running.weights.announce(weights(1))
        await until(lambda: states(running) == [("healthy", 1)])
        assert [name for name, _ in running.engine.calls] == ["pause", "update", "continue"]
        assert running.engine.called("pause") == [{"mode": "in_place"}]
        update = running.engine.called("update")[0]
        assert update["paused"]
        assert update["model_path"] == "/weights/1"
        assert update["weight_version"] == "1"
        assert update["flush_cache"] is False
        assert update["abort_all_requests"] is False
        assert running.parts.training.weight_version == 1


async def test_a_failing_engine_is_quarantined_continued_and_the_others_go_on(start: Start) -> None:
    other = ScriptedEngine()
    async with start() as running, served(other.app()) as url:
        added = await running.client.post("/v1/engines", json={"url": url})
        assert added.status_code == 201
        await until(lambda: states(running) == [("healthy", 0)] * 2)
        other.fail_update = "no such folder"
        await running.weights.announce(weights(1))
        await until(lambda: sorted(states(running)) == [("healthy", 1), ("quarantined", 0)])
        assert not other.paused
        progress = await running.progress()
        errors = [engine["error"] for engine in progress["engines"] if engine["state"] == "quarantined"]
        assert "no such folder" in errors[0]
        other.fail_update = None
        await until(lambda: states(running) == [("healthy", 1)] * 2)


async def test_an_engine_that_says_success_and_holds_old_weights_is_quarantined(start: Start) -> None:
    async with start() as running:
        await until(lambda: states(running) == [("healthy", 0)])
        running.engine.lies = True
        await running.weights.announce(weights(1))
        await until(lambda: states(running) == [("quarantined", 0)])
        assert not running.engine.paused


async def test_an_engine_that_starts_again_gets_the_newest_weights_first(start: Start) -> None:
    async with start() as running:
        await running.weights.announce(weights(3))
        await until(lambda: states(running) == [("healthy", 3)])
        running.engine.version = "default"  # killed and started again
        await until(lambda: len(running.engine.called("update")) == 2)
        await until(lambda: states(running) == [("healthy", 3)])


async def test_an_engine_that_was_left_paused_is_continued(start: Start) -> None:
    engine = ScriptedEngine(paused=True)
    async with served(engine.app()) as url, start(engines=(url,)) as running:
        await until(lambda: states(running) == [("healthy", 0)])
        assert not engine.paused


async def test_a_dead_engine_is_down_and_comes_back(start: Start) -> None:
    engine = ScriptedEngine()
    async with start(engines=()) as running:
        async with served(engine.app()) as url:
            port = int(url.rsplit(":", 1)[1])
            await running.client.post("/v1/engines", json={"url": url})
            await until(lambda: states(running) == [("healthy", 0)])
        await until(lambda: states(running)[0][0] == "down")
        assert (await running.progress())["admission"]["limit"] == "engines"
        async with served(engine.app(), port):
            await until(lambda: states(running) == [("healthy", 0)])
            engine_id = (await running.client.get("/v1/engines")).json()["engines"][0]["engine_id"]
            assert (await running.client.delete(f"/v1/engines/{engine_id}")).status_code == 204
            assert (await running.client.get("/v1/engines")).json() == {"engines": []}


async def test_weights_and_engines_are_remembered_without_redis(start: Start, tmp_path: Path) -> None:
    """The channel forgets; the record does not."""
    async with start() as running:
        await running.weights.announce(weights(2))
        await until(lambda: states(running) == [("healthy", 2)])
        running.weights._latest = None
    running.engine.version = "default"
    async with start() as again:
        await until(lambda: ("healthy", 2) in states(again))


async def test_the_gateway_sees_exactly_what_it_needs(start: Start) -> None:
    async with start() as running:
        await until(lambda: states(running) == [("healthy", 0)])
        reply = await running.client.get("/v1/engines", headers=running.token(Scope.GATEWAY))
        (engine,) = reply.json()["engines"]
        assert set(engine) == {"engine_id", "url", "state", "weight_version"}
        bad = await running.client.post("/v1/engines", json={"url": "ftp://x"})
        assert (bad.status_code, bad.json()["field"]) == (422, "url")


async def test_weights_that_redis_has_forgotten_are_announced_again(start: Start) -> None:
    """The record has them, so a reader of the channel does not wait for the next version."""
    async with start() as running:
        await running.weights.announce(weights(2))
        await until(lambda: states(running) == [("healthy", 2)])
        running.weights._latest = None
        await until(lambda: running.weights._latest is not None)
        assert running.weights._latest is not None
        assert (running.weights._latest.version, running.weights._latest.path) == (2, "/weights/2")
