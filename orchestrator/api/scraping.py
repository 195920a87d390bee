"""Scraping: what Prometheus reads of environments, which are on networks that only we reach."""

from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Response

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from services.contracts.words import Name, Word
from services.kit.failure import Unavailable

router = APIRouter(tags=["progress"])

_TIMEOUT_S = 5.0
_MOST_BYTES = 4_000_000  # whoever wrote the environment may send anything


class ScrapeTarget(Word):
    """A group of targets, as Prometheus's HTTP service discovery takes it."""

    targets: tuple[str, ...]
    labels: dict[str, str]


@router.get("/v1/scrape-targets", summary="Environments to scrape", dependencies=allow(*READERS))
async def scrape_targets(orchestrator: TheOrchestrator) -> tuple[ScrapeTarget, ...]:
    """For `http_sd_configs` of Prometheus: every registered environment, scraped through this process."""
    address = urlsplit(orchestrator.settings.address).netloc
    return tuple(
        ScrapeTarget(
            targets=(address,),
            labels={"__metrics_path__": f"/v1/environments/{name}/metrics", "instance": name},
        )
        for name in sorted(orchestrator.registry.environments)
    )


@router.get(
    "/v1/environments/{name}/metrics",
    summary="An environment's metrics",
    response_class=Response,
    dependencies=allow(*READERS),
    responses=problems(404, 503),
)
async def environment_metrics(name: Name, orchestrator: TheOrchestrator) -> Response:
    """What the environment serves at `/metrics`. Raises Missing, and Unavailable if it does not answer."""
    url = f"{orchestrator.registry.named(name).url.rstrip('/')}/metrics"
    try:
        async with orchestrator.client.stream("GET", url, timeout=_TIMEOUT_S) as response:
            content = await _read(response)
    except httpx.HTTPError as error:
        raise Unavailable(f"nobody answers at {url}: {error!r}", retry_after_s=5) from error
    if response.status_code != 200:
        raise Unavailable(f"{url} answers {response.status_code}", retry_after_s=5)
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _read(response: httpx.Response) -> bytes:
    content = b""
    async for part in response.aiter_bytes():
        content += part
        if len(content) > _MOST_BYTES:
            raise Unavailable(f"{response.url} sends more than {_MOST_BYTES} bytes", retry_after_s=60)
    return content
