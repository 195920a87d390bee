"""The HTTP client of every process: httpx over aiohttp, which holds thousands of connections."""

import httpx
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from httpx_aiohttp import AiohttpTransport


def http_client(
    *, base_url: str = "", token: str | None = None, timeout_s: float = 30.0, connections: int = 4096
) -> httpx.AsyncClient:
    """A client with its own connection pool; close it (`async with`).

    httpx's default transport falls to a thirtieth of this one's throughput at 1,000 connections.
    """

    def session() -> ClientSession:
        connector = TCPConnector(limit=connections, keepalive_timeout=30, enable_cleanup_closed=False)
        return ClientSession(
            connector=connector, cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=None)
        )

    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        timeout=timeout_s,
        transport=AiohttpTransport(client=session),
        trust_env=False,
    )
