"""Search engines over HTTP: a SearXNG instance, and any plain JSON search API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import stamina

from environments.search.index.engine import Hit
from services.contracts.cause import Cause
from services.kit.failure import Refused, Unavailable

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_QUERY = 400  # characters: servers refuse addresses of more than some thousand bytes


class _Again(Exception):
    """An answer worth asking for again."""


@dataclass(frozen=True)
class JsonApi:
    """Where a JSON search API is asked, and where its reply keeps results and their parts.

    `results` is a path of keys parted by dots. `limit` names the parameter for the number of results, if any.
    `unresponsive` is where an empty reply lists who has not answered: then it is no reply.
    """

    url: str
    query: str = "q"
    limit: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    results: str = "results"
    unresponsive: str = ""
    page: str = "url"
    title: str = "title"
    snippet: str = "content"


def searxng(url: str) -> JsonApi:
    """A SearXNG instance with its JSON format enabled (`search.formats` in its settings)."""
    return JsonApi(
        url=f"{url.rstrip('/')}/search",
        parameters={"format": "json", "pageno": "1"},
        unresponsive="unresponsive_engines",
    )


@dataclass(frozen=True)
class HttpEngine:
    """Asks a search API; asked again on timeouts, 429 and 5xx, then it is unavailable."""

    client: httpx.AsyncClient
    api: JsonApi
    timeout_s: float = 10.0
    attempts: int = 3

    async def search(self, query: str, limit: int) -> list[Hit]:
        """Errors: Refused; Unavailable (environment): an engine that is down is not the policy's fault."""
        if len(query) > _LONGEST_QUERY:
            raise Refused(f"the query has {len(query)} characters", remedy=f"use at most {_LONGEST_QUERY}")
        retries = stamina.retry_context(
            on=(_Again, httpx.TransportError),
            attempts=self.attempts,
            timeout=None,
            wait_initial=0.1,
            wait_max=2.0,
        )
        try:
            async for attempt in retries:
                with attempt:
                    return self._hits(await self._ask(query, limit))[:limit]
        except (_Again, httpx.TransportError) as error:
            raise self._unavailable(repr(error)) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _ask(self, query: str, limit: int) -> httpx.Response:
        asked = {**self.api.parameters, self.api.query: query}
        if self.api.limit:
            asked[self.api.limit] = str(limit)
        response = await self.client.get(
            self.api.url, params=asked, headers=dict(self.api.headers), timeout=self.timeout_s
        )
        if response.status_code in _RETRIED:
            raise _Again(f"status {response.status_code}")
        if response.status_code != 200:
            raise self._unavailable(f"status {response.status_code}")
        return response

    def _hits(self, response: httpx.Response) -> list[Hit]:
        try:
            body: Any = response.json()
            found = body
            for key in self.api.results.split("."):
                found = found[key]
            hits = [self._hit(row) for row in found]
            away = body.get(self.api.unresponsive) if self.api.unresponsive and not hits else None
        except (ValueError, KeyError, TypeError) as error:
            raise self._unavailable(f"a reply of another shape: {error!r}") from error
        if away:
            raise _Again(f"no results, because these do not answer: {str(away)[:200]}")
        return hits

    def _hit(self, row: Mapping[str, Any]) -> Hit:
        page = str(row[self.api.page])
        return Hit(page, str(row.get(self.api.title) or page), str(row.get(self.api.snippet) or ""))

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(f"the search engine at {self.api.url}: {what}", cause=Cause.ENVIRONMENT)
