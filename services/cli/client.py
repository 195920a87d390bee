"""The orchestrator as the command line sees it."""

from typing import Any

import httpx
import stamina

from services.kit.http import http_client

Json = dict[str, Any]

_PAGE = 1000


class OrchestratorClient:
    """REST calls with an admin token; patient while the orchestrator restarts. Close it with `async with`."""

    def __init__(self, url: str, token: str) -> None:
        self._http = http_client(base_url=url, token=token, timeout_s=15.0, connections=8)

    async def __aenter__(self) -> "OrchestratorClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def progress(self) -> Json:
        return await self._call("GET", "/v1/progress")

    async def environments(self) -> list[Json]:
        reply = await self._call("GET", "/v1/environments")
        return list(reply["environments"])

    async def steps(self, after: int = 0) -> list[Json]:
        reply = await self._call("GET", f"/v1/steps?after={after}")
        return list(reply["steps"])

    async def training_groups(self) -> list[Json]:
        """All of them, newest first."""
        groups, after = list[Json](), ""
        while True:
            page = await self._call("GET", f"/v1/groups?purpose=train&limit={_PAGE}{after}")
            groups += page["groups"]
            if page["next"] is None:
                return groups
            after = f"&after={page['next']}"

    async def admission(self, state: str) -> None:
        await self._call("PUT", "/v1/admission", {"state": state})

    async def evaluate(self, environment: str, rollouts: int) -> str:
        """Start an evaluation; returns its id."""
        reply = await self._call(
            "POST", "/v1/evaluations", {"environment": environment, "rollouts": rollouts}
        )
        return str(reply["evaluation_id"])

    async def evaluation(self, evaluation_id: str) -> Json:
        return await self._call("GET", f"/v1/evaluations/{evaluation_id}")

    @stamina.retry(on=(httpx.TransportError, httpx.HTTPStatusError), attempts=20, timeout=60.0)
    async def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        response = await self._http.request(method, path, json=body)
        response.raise_for_status()
        return dict(response.json())
