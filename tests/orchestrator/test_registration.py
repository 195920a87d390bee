"""Registration: what is wrong is named, what is right is kept, and shares outlive restarts."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import ScriptedEnvironment, environment, served


async def nothing(request: RolloutRequest) -> Outcome | None:
    return None


@pytest.mark.parametrize("url", ["ftp://host", "http://user:word@host", "host:80", "http://"])
async def test_an_address_that_will_not_do(start: Start, url: str) -> None:
    async with start() as running:
        reply = await running.client.post("/v1/environments", json={"name": "a", "url": url})
        assert reply.status_code == 422
        assert reply.json()["field"] == "url"


async def test_a_manifest_that_will_not_do(start: Start) -> None:
    scripted = ScriptedEnvironment(nothing, manifest={"contract": "podium.environment/9"})
    async with start() as running, served(scripted.app()) as url, served(FastAPI()) as empty:
        scripted.url = url
        reply = await scripted.register(running.client)
        assert reply.status_code == 422
        assert reply.json()["field"] == "contract"
        scripted.manifest = {"capacity": 0}
        assert (await scripted.register(running.client)).json()["field"] == "capacity"
        scripted.url = empty
        assert "404" in (await scripted.register(running.client)).json()["detail"]
        scripted.url = "http://127.0.0.1:9"
        nobody = await scripted.register(running.client)
        assert (nobody.status_code, nobody.json()["field"]) == (503, "url")
        assert nobody.headers["retry-after"] == "1"
        assert (await running.client.get("/v1/environments")).json() == {"environments": []}


async def test_the_same_name_again_moves_it_and_keeps_its_share_also_after_a_restart(start: Start) -> None:
    async with (
        start(admission="paused") as running,
        environment(ScriptedEnvironment(nothing), running.client) as scripted,
    ):
        changed = await running.client.patch(
            "/v1/environments/scripted", json={"share": 5, "max_in_flight": 3}
        )
        assert changed.json()["share"] == 5
        again = (await scripted.register(running.client)).json()
        assert (again["share"], again["max_in_flight"]) == (5, 3)
        assert again["manifest"]["splits"] == {"train": 100, "evaluation": 10}
        bad = await running.client.patch("/v1/environments/scripted", json={"share": -1})
        assert (bad.status_code, bad.json()["field"]) == (422, "share")
        assert (await running.client.patch("/v1/environments/no", json={"share": 1})).status_code == 404
        await running.client.put("/v1/admission", json={"state": "open"})
    async with start(admission="paused") as running:
        (kept,) = (await running.client.get("/v1/environments")).json()["environments"]
        assert (kept["share"], kept["max_in_flight"]) == (5, 3)
        assert (await running.progress())["admission"]["state"] == "open"


async def test_every_operation_says_what_it_does(start: Start) -> None:
    """Which token it takes is held in tests/integration/test_access.py."""
    async with start() as running:
        document = (await running.client.get("/openapi.json", headers={"authorization": ""})).json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["tags"], path
            assert operation["summary"], path
            assert operation["operationId"], path


async def test_a_manifest_without_end_is_refused(start: Start) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536
            await asyncio.sleep(0.001)  # or the server never learns that its client has gone

    app = FastAPI()
    app.add_api_route("/v1/manifest", lambda: StreamingResponse(endless()), response_model=None)
    async with start(admission="paused") as running, served(app) as url:
        reply = await running.client.post("/v1/environments", json={"name": "a", "url": url})
    assert (reply.status_code, "bytes" in reply.json()["detail"]) == (422, True)
