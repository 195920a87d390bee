"""The REST API as the console calls it: in this process, with the visitor's own token."""

from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp

from services.contracts.problem import Problem

Kind = TypeVar("Kind", bound=BaseModel)


class Declined(Exception):
    """The API said no, or failed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Api:
    """Use as `async with`. What is called here passes the same doors as what comes from outside."""

    def __init__(self, app: ASGIApp, token: str, visitor: tuple[str, int]) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False, client=visitor),
            base_url="http://orchestrator",
            headers={"authorization": f"Bearer {token}"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, kind: type[Kind], path: str, **wanted: Any) -> Kind:
        """The answer, parsed; `wanted` are the query's parameters, those that are None left out."""
        reply = await self.file(path, **wanted)
        return kind.model_validate_json(reply.content)

    async def file(self, path: str, **wanted: Any) -> httpx.Response:
        """The answer as it is."""
        given = {name: value for name, value in wanted.items() if value is not None}
        return await self._call("GET", path, params=given)

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Change something."""
        await self._call(method, path, json=body)

    async def _call(self, method: str, path: str, **sent: Any) -> httpx.Response:
        reply = await self._client.request(method, path, **sent)
        if reply.status_code >= 400:
            raise Declined(_problem(reply))
        return reply


def _problem(reply: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(reply.content)
    except ValidationError:
        return Problem(
            title="Failure", status=reply.status_code, detail=reply.text[:500] or "no reason given"
        )
