"""Bodies, haste and guessing: whoever overdoes it is refused, and nobody else notices."""

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.kit.limits import Buckets, LimitRules, Limits
from services.kit.problems import install_problems

RULES = LimitRules(body_bytes=1_000, requests_s=2.0, refusals_s=1.0, burst_s=2.0)
GOOD, OTHER, BAD = ({"authorization": f"Bearer {name}"} for name in ("good", "other", "bad"))


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()
    install_problems(app)
    app.add_middleware(Limits, rules=RULES)

    @app.post("/")
    async def echo(request: Request) -> JSONResponse:
        size = len(await request.body())
        known = request.headers.get("authorization") in (GOOD["authorization"], OTHER["authorization"])
        return JSONResponse(size, 200 if known else 401)

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://podium")


async def test_a_body_is_as_large_as_it_may_be(client: httpx.AsyncClient) -> None:
    async def drip(size: int) -> object:
        for _ in range(size):
            yield b"x"

    assert (await client.post("/", content=b"x" * 1_000, headers=GOOD)).json() == 1_000
    refused = await client.post("/", content=b"x" * 1_001, headers=GOOD)
    assert (refused.status_code, refused.json()["field"]) == (413, "body")
    assert (await client.post("/", content=drip(1_001), headers=GOOD)).status_code == 413  # type: ignore[arg-type]
    lied = await client.post("/", content=b"x", headers={**GOOD, "content-length": "-1"})
    assert lied.status_code == 413


async def test_a_hasty_token_waits_and_another_does_not(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/", headers=GOOD) for _ in range(6)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:4] == [200] * 4
    assert statuses[-1] == 429
    assert answers[-1].headers["retry-after"] == "1"
    assert (await client.post("/", headers=OTHER)).status_code == 200


async def test_whoever_guesses_is_not_heard_for_a_while_and_known_tokens_are(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("/", headers=GOOD)).status_code == 200
    assert [(await client.post("/", headers=BAD)).status_code for _ in range(4)] == [401, 401, 429, 429]
    guess = {"authorization": "Bearer another-guess"}
    assert (await client.post("/", headers=guess)).status_code == 429
    assert (await client.post("/", headers=GOOD)).status_code == 200


async def test_a_token_of_a_megabyte_is_not_looked_at(client: httpx.AsyncClient) -> None:
    reply = await client.post("/", headers={"authorization": "Bearer " + "x" * 1_000_000})
    assert reply.status_code == 431


def test_a_bucket_fills_again() -> None:
    buckets = Buckets(rate=2.0, burst=2.0)
    for _ in range(2):
        buckets.draw("a", 0.0)
    assert buckets.wait_s("a", 0.0) == 0.5
    assert buckets.wait_s("a", 0.5) == 0.0
    assert buckets.wait_s("a", 100.0) == 0.0
