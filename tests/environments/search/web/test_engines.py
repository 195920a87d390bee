"""Search APIs over HTTP: what is asked, what is read, and what happens when they fail."""

import pytest
from aiohttp import web

from environments.search.index.engine import Hit
from environments.search.web.engines import HttpEngine, JsonApi, searxng
from services.contracts.cause import Cause
from services.kit.failure import Refused, Unavailable
from services.kit.http import http_client
from tests.environments.search.conftest import Serve

ROW = {"url": "https://a.example/", "title": "A", "content": "About a."}


async def test_searxng_is_asked_for_json(serve: Serve) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, dict(request.query)))
        return web.json_response({"results": [ROW, {"url": "https://b.example/", "title": None}, ROW]})

    url = await serve(answer)
    async with http_client() as client:
        hits = await HttpEngine(client, searxng(url + "/")).search("who & what", 2)
    assert asked == [("/search", {"q": "who & what", "format": "json", "pageno": "1"})]
    assert hits == [
        Hit("https://a.example/", "A", "About a."),
        Hit("https://b.example/", "https://b.example/", ""),
    ]


async def test_another_api_is_a_matter_of_names(serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer key"
        assert dict(request.query) == {"query": "x", "count": "5"}
        return web.json_response(
            {"web": {"results": [{"link": "https://a.example/", "name": "A", "text": "t"}]}}
        )

    api = JsonApi(
        await serve(answer),
        query="query",
        limit="count",
        headers={"authorization": "Bearer key"},
        results="web.results",
        page="link",
        title="name",
        snippet="text",
    )
    assert "key" not in repr(api)
    async with http_client() as client:
        assert await HttpEngine(client, api).search("x", 5) == [Hit("https://a.example/", "A", "t")]


async def test_a_busy_engine_is_asked_again(serve: Serve) -> None:
    statuses = [429, 503, 200]

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"results": [ROW]}, status=statuses.pop(0))

    async with http_client() as client:
        assert len(await HttpEngine(client, searxng(await serve(answer))).search("x", 5)) == 1
    assert statuses == []


async def test_no_results_are_an_answer_only_if_every_engine_answered(serve: Serve) -> None:
    away: dict[str, object] = {"results": [], "unresponsive_engines": [["brave", "timeout"]]}
    replies: list[dict[str, object]] = [away, {"results": [ROW]}, {"results": [], "unresponsive_engines": []}]

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(replies.pop(0) if replies else away)

    async with http_client() as client:
        engine = HttpEngine(client, searxng(await serve(answer)), attempts=2)
        assert len(await engine.search("x", 5)) == 1
        assert await engine.search("x", 5) == []
        with pytest.raises(Unavailable, match="brave") as failure:
            await engine.search("x", 5)
    assert failure.value.cause is Cause.ENVIRONMENT


async def test_a_query_that_no_address_can_hold_is_refused() -> None:
    async with http_client() as client:
        with pytest.raises(Refused, match="401 characters"):
            await HttpEngine(client, searxng("http://127.0.0.1:9")).search("x" * 401, 5)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, "{}"),
        (403, "{}"),
        (200, "<html>"),
        (200, '{"results": 3}'),
        (200, "[]"),
        (200, '{"results": [{}]}'),
    ],
)
async def test_an_engine_that_fails_is_no_fault_of_the_policy(status: int, body: str, serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="application/json")

    async with http_client() as client:
        with pytest.raises(Unavailable) as failure:
            await HttpEngine(client, searxng(await serve(answer)), attempts=2).search("x", 5)
    assert failure.value.cause is Cause.ENVIRONMENT


async def test_an_engine_that_is_away_or_slow(serve: Serve) -> None:
    import asyncio

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with http_client() as client:
        for url, timeout_s in (("http://127.0.0.1:9", 1.0), (await serve(answer), 0.1)):
            with pytest.raises(Unavailable):
                await HttpEngine(client, searxng(url), timeout_s, attempts=2).search("x", 5)
