"""The process: alive, measured, guarded."""

from prometheus_client.parser import text_string_to_metric_families

from services.cli.conformance.check import check
from services.cli.conformance.findings import Skipped, expect
from services.cli.conformance.scene import Scene, described
from services.kit.http import http_client


@check(
    "GET /healthz answers 200 to anyone while the service is alive.",
    "Serve GET /healthz without a token, and answer 200 as soon as rollouts can be accepted.",
)
async def is_alive(scene: Scene) -> None:
    async with http_client(base_url=scene.place.url, timeout_s=10.0) as anyone:
        reply = await anyone.get("/healthz")
    expect(reply.status_code == 200, f"GET /healthz answered {described(reply)}")


@check(
    "GET /metrics answers with the Prometheus text format.",
    'Serve GET /metrics; each line is `name{label="value"} number`, and an empty page will do.',
)
async def has_metrics(scene: Scene) -> None:
    reply = await scene.client.get("/metrics")
    expect(reply.status_code == 200, f"GET /metrics answered {described(reply)}")
    try:
        list(text_string_to_metric_families(reply.text))
    except ValueError as error:
        expect(False, f"GET /metrics cannot be parsed: {error}")


@check(
    "Only bearers of the dispatch token reach the manifest, the tasks and the rollouts.",
    "Compare the Authorization header with the dispatch_token that the service registered with; answer 401.",
)
async def is_guarded(scene: Scene) -> None:
    if not scene.client.headers.get("authorization"):
        raise Skipped("no dispatch token was given: use --token-file or --orchestrator-port")
    async with http_client(base_url=scene.place.url, token="wrong", timeout_s=10.0) as stranger:
        for method, path in (("GET", "/v1/manifest"), ("POST", "/v1/rollouts")):
            reply = await stranger.request(method, path, content=b"{}")
            expect(reply.status_code in (401, 403), f"{method} {path} with a wrong token: {described(reply)}")


CHECKS = (is_alive, has_metrics, is_guarded)
