"""Every error of an app is problem+json that names the field, its value and the remedy."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from services.contracts.cause import Cause
from services.contracts.environment import Registration
from services.contracts.outcome import Outcome
from services.contracts.words import new_id
from services.kit.failure import Conflict, Missing, Unavailable
from services.kit.problems import install_problems


def make_app() -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.post("/environments")
    def register(registration: Registration, limit: int = 0) -> str:
        return registration.name

    @app.put("/outcome")
    def put(outcome: Outcome) -> str:
        return outcome.rollout_id

    @app.get("/failures/{kind}")
    def fail(kind: str) -> None:
        failures: dict[str, Exception] = {
            "missing": Missing("no rollout r", field="rollout_id", value="r", remedy="list them"),
            "conflict": Conflict("attempt 1 is fenced", cause=Cause.LOST),
            "full": Unavailable("full", status=429, retry_after_s=2.4),
            "bug": KeyError("a secret detail"),
        }
        raise failures[kind]

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        yield client


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ('{"name": "Terminal!", "url": "u"}', "name", "'Terminal!'"),
        ('{"name": "t", "url": "u", "share": -1}', "share", "-1"),
        ('{"name": "t", "url": "u", "share": Infinity}', "share", "inf"),
        ('{"name": "t", "url": "u", "colour": "red"}', "colour", "'red'"),
        ('{"name": "t"}', "url", None),
    ],
)
async def test_bad_input_names_field_value_and_remedy(
    client: httpx.AsyncClient, body: str, field: str, value: str | None
) -> None:
    reply = await client.post("/environments", content=body, headers={"content-type": "application/json"})
    problem = reply.json()
    assert reply.status_code == problem["status"] == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert (problem["field"], problem.get("value")) == (field, value)
    assert field in problem["detail"]
    assert problem["remedy"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", '"nan"'])
async def test_a_non_finite_reward_is_refused(client: httpx.AsyncClient, number: str) -> None:
    head = f'{{"rollout_id": "{new_id()}", "attempt": 1, "cause": "completed"'
    for body, field in (
        (f'{head}, "reward": {number}}}', "reward"),
        (f'{head}, "reward": 1, "components": {{"tests": {number}}}}}', "components.tests"),
    ):
        reply = await client.put("/outcome", content=body, headers={"content-type": "application/json"})
        assert (reply.status_code, reply.json()["field"]) == (422, field)
        assert "finite" in reply.json()["detail"]


async def test_a_bad_query_and_a_body_that_is_not_json(client: httpx.AsyncClient) -> None:
    reply = await client.post("/environments?limit=many", json={"name": "t", "url": "u"})
    assert (reply.json()["field"], reply.json()["value"]) == ("query.limit", "'many'")
    reply = await client.post("/environments", content="{name", headers={"content-type": "application/json"})
    assert reply.status_code == 422
    assert "JSON" in reply.json()["detail"]
    assert "field" not in reply.json()


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("missing", 404, {"title": "Not found", "field": "rollout_id", "value": "r", "remedy": "list them"}),
        ("conflict", 409, {"title": "Conflict", "cause": "lost"}),
        ("full", 429, {"title": "Unavailable"}),
        ("bug", 500, {"title": "Failure"}),
    ],
)
async def test_failures_become_problems(
    client: httpx.AsyncClient, kind: str, status: int, says: dict[str, str]
) -> None:
    with capture_logs():
        reply = await client.get(f"/failures/{kind}")
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert says.items() <= reply.json().items()
    assert "secret" not in reply.text
    if status == 429:
        assert reply.headers["retry-after"] == "2"


async def test_what_the_framework_refuses_is_a_problem_too(client: httpx.AsyncClient) -> None:
    assert (await client.get("/nowhere")).json()["status"] == 404
    reply = await client.delete("/outcome")
    assert (reply.json()["status"], reply.headers["allow"]) == (405, "PUT")
