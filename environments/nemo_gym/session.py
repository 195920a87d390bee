"""One rollout's session on a resources server: its cookies, its tools, its verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from environments.arguments import arguments_of
from environments.message import Tool
from services.contracts.cause import Cause
from services.kit.failure import Failure


@dataclass(frozen=True)
class GymSession:
    """Implements `environments.agent.Tools`. `client` is this rollout's own: its cookies are the session."""

    client: httpx.AsyncClient
    tools: Sequence[Tool]
    tool_timeout_s: float
    verify_timeout_s: float

    @property
    def schemas(self) -> list[Tool]:
        return list(self.tools)

    async def seed(self, row: Mapping[str, Any]) -> None:
        """Begin the session of a task. Errors: Failure (environment)."""
        await self._post("/seed_session", row, self.tool_timeout_s, Cause.ENVIRONMENT)

    async def call(self, name: str, arguments: str) -> str:
        """What the server answers, its refusals included. Errors: Failure (environment) if it fails."""
        if name not in {tool["function"]["name"] for tool in self.tools}:
            return f"error: there is no tool {name[:80]!r}"
        try:
            given = arguments_of(arguments)
        except ValueError as error:
            return f"error: {error}"
        response = await self._sent(f"/{name}", given, self.tool_timeout_s, Cause.ENVIRONMENT)
        return response.text

    async def verify(self, row: Mapping[str, Any], response: Mapping[str, Any]) -> dict[str, Any]:
        """The server's verdict, with its `reward`. Errors: Failure (verifier)."""
        body = {**row, "response": response}
        verdict = await self._post("/verify", body, self.verify_timeout_s, Cause.VERIFIER)
        if not isinstance(verdict, dict) or not isinstance(verdict.get("reward"), (int, float)):
            raise Failure(f"/verify gave no reward: {str(verdict)[:500]}", cause=Cause.VERIFIER)
        return verdict

    async def _post(self, path: str, body: Mapping[str, Any], timeout_s: float, cause: Cause) -> Any:
        response = await self._sent(path, body, timeout_s, cause)
        try:
            return response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise Failure(f"{path}: {error}: {response.text[:500]}", cause=cause) from error

    async def _sent(self, path: str, body: Any, timeout_s: float, cause: Cause) -> httpx.Response:
        try:
            response = await self.client.post(path, json=body, timeout=timeout_s)
        except httpx.HTTPError as error:
            raise Failure(f"the resources server, asked {path}: {error!r}", cause=cause) from error
        if response.is_server_error:
            detail = f"the resources server, asked {path}: {response.status_code} {response.text[:500]}"
            raise Failure(detail, cause=cause)
        return response
