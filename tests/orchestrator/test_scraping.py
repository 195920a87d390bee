"""Scraping: Prometheus finds environments, and reads their metrics through the orchestrator."""

from urllib.parse import urlsplit

from fastapi import FastAPI, Response

from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.kit.access import Scope
from tests.orchestrator.conftest import Running, Start
from tests.orchestrator.scripted import ScriptedEnvironment, environment

METRICS = "# TYPE podium_demo gauge\npodium_demo 3.0\n"


async def nothing(_: RolloutRequest) -> Outcome | None:
    return None


class Measured(ScriptedEnvironment):
    """Serves `/metrics` too: `text`, with `status`."""

    text = METRICS
    status = 200

    def app(self) -> FastAPI:
        app = super().app()

        @app.get("/metrics")
        async def metrics() -> Response:
            return Response(self.text, self.status)

        return app


async def scraped(running: Running) -> tuple[int, str]:
    (target,) = (await running.client.get("/v1/scrape-targets")).json()
    assert target["labels"]["instance"] == "scripted"
    assert target["targets"] == [urlsplit(str(running.client.base_url)).netloc]
    headers = running.token(Scope.VIEWER)
    response = await running.client.get(target["labels"]["__metrics_path__"], headers=headers)
    return response.status_code, response.text


async def test_metrics_of_a_registered_environment_come_through(start: Start) -> None:
    async with start() as running:
        assert (await running.client.get("/v1/scrape-targets")).json() == []
        async with environment(Measured(nothing), running.client):
            assert await scraped(running) == (200, METRICS)


async def test_an_environment_that_does_not_serve_them_is_unavailable(start: Start) -> None:
    async with start() as running, environment(measured := Measured(nothing), running.client):
        measured.status = 500
        assert (await scraped(running))[0] == 503
        measured.status, measured.text = 200, "x" * 5_000_000
        assert (await scraped(running))[0] == 503


async def test_nobody_scrapes_without_a_token(start: Start) -> None:
    async with start() as running:
        for path in ("/v1/scrape-targets", "/v1/environments/scripted/metrics"):
            assert (await running.client.get(path, headers={"authorization": ""})).status_code == 401
        assert (await running.client.get("/v1/environments/scripted/metrics")).status_code == 404
