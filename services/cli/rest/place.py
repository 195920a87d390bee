"""Where the orchestrator is and what opens it: options, variables or a run folder tell; none is a token."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import typer

from services.cli.client import Json
from services.cli.exits import Exit, stop
from services.kit.http import http_client
from services.kit.tls import NO_TLS, Tls

DEFAULT_URL = "http://127.0.0.1:8000"
_MADE_BY_UP = Path("deploy/secrets/admin_token")
_EXITS = {401: Exit.FORBIDDEN, 403: Exit.FORBIDDEN, 404: Exit.MISSING, 409: Exit.CONFLICT, 422: Exit.USAGE}


@dataclass(frozen=True)
class Place:
    """What the options say. Files are read when a command needs them."""

    url: str | None = None
    token_file: Path | None = None
    run: Path | None = None
    tls: Tls = NO_TLS

    @property
    def address(self) -> str:
        if self.url is None and self.run is not None:
            return _read(self.run / "ready" / "orchestrator", "--run")
        return (self.url or DEFAULT_URL).rstrip("/")

    @property
    def token(self) -> str:
        if self.token_file is not None:
            return _read(self.token_file, "--token-file")
        if self.run is not None:
            return _read(self.run / "secrets" / "admin_token", "--run")
        if not _MADE_BY_UP.is_file():
            stop("no token: give --token-file, PODIUM_ADMIN_TOKEN_FILE or --run", Exit.USAGE)
        return _read(_MADE_BY_UP, "--token-file")

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Door"]:
        """A connection for as long as a command lasts."""
        token = self.token
        async with http_client(base_url=self.address, token=token, tls=self.tls, connections=16) as client:
            yield Door(client)

    def ask(self, method: str, path: str, **parts: Any) -> Json:
        """One request, and the end of the command if it is refused."""

        async def asked() -> Json:
            async with self.open() as door:
                return await door.ask(method, path, **parts)

        return asyncio.run(asked())


@dataclass(frozen=True)
class Door:
    """An open connection. Whatever the orchestrator refuses ends the command with its sentence."""

    client: httpx.AsyncClient

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Json | None = None,
        key: str | None = None,
    ) -> Json:
        """The reply. Raises SystemExit: 3 if nobody answers, 4 to 6 as the orchestrator answers."""
        wanted = {name: value for name, value in (params or {}).items() if value is not None}
        headers = {} if key is None else {"idempotency-key": key}
        try:
            reply = await self.client.request(method, path, params=wanted, json=body, headers=headers)
        except httpx.HTTPError as error:
            stop(f"no orchestrator answers at {self.client.base_url}: {error}", Exit.UNREACHABLE)
        if reply.is_error:
            refuse(reply.status_code, reply.content)
        return cast(Json, reply.json()) if reply.content else {}

    async def pages(
        self, path: str, noun: str, params: Mapping[str, Any], limit: int | None
    ) -> AsyncIterator[Json]:
        """The items of a list, page by page; `limit` None: all of them."""
        after, left = None, limit
        while left is None or left > 0:
            size = 500 if left is None else min(left, 500)
            page = await self.ask("GET", path, params={**params, "limit": size, "after": after})
            for item in page[noun]:
                yield item
            left = None if left is None else left - len(page[noun])
            if (after := page["next"]) is None:
                return


def place(context: typer.Context) -> Place:
    """What the options before the command say."""
    return cast(Place, context.find_root().obj)


def refuse(status: int, content: bytes) -> None:
    """End the command as the orchestrator ended the request."""
    try:
        problem = httpx.Response(status, content=content).json()
        said = f"{problem['detail']}; {problem['remedy']}" if "remedy" in problem else str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        said = f"the orchestrator answers {status}"
    stop(said, _EXITS.get(status, Exit.FAILED))


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        stop(f"{option}: {error}", Exit.USAGE)
