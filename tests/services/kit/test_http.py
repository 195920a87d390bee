"""The HTTP client holds a thousand connections at once and says what failed in httpx's words."""

import asyncio
from ipaddress import ip_network

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from services.kit.address import Allowance
from services.kit.http import AddressNotAllowed, http_client
from tests.services.kit.served import served

CONNECTIONS = 1000


def meeting(expected: int) -> FastAPI:
    """An app that answers nobody before `expected` requests are there at the same time."""
    app, present, complete = FastAPI(), set[int](), asyncio.Event()

    @app.get("/{number}")
    async def meet(number: int) -> Response:
        present.add(number)
        if len(present) == expected:
            complete.set()
        async with asyncio.timeout(30):
            await complete.wait()
        return Response("ok")

    return app


async def test_it_holds_a_thousand_connections() -> None:
    async with served(meeting(CONNECTIONS)) as url, http_client(base_url=url, timeout_s=40) as client:
        replies = await asyncio.gather(*(client.get(f"/{number}") for number in range(CONNECTIONS)))
    assert {reply.text for reply in replies} == {"ok"}


async def test_it_sends_its_token_and_ignores_proxies_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    app = FastAPI()

    @app.get("/")
    def echo(request: Request) -> Response:
        return Response(request.headers["authorization"])

    async with served(app) as url, http_client(base_url=url, token="t") as client:
        assert (await client.get("/")).text == "Bearer t"


async def test_a_dead_address_and_a_slow_one_raise_httpx_errors() -> None:
    async with served(meeting(2)) as url, http_client(timeout_s=0.2) as client:
        with pytest.raises(httpx.TimeoutException):
            await client.get(f"{url}/1")
        await client.get(f"{url}/2")
        with pytest.raises(httpx.TransportError):  # aiohttp's transport calls it ConnectTimeout
            await client.get("http://127.0.0.1:9")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_a_guarded_client_goes_where_it_is_allowed_and_nowhere_else(name: str) -> None:
    async with served(meeting(1)) as url:
        there = f"{url.replace('127.0.0.1', name)}/1"
        home = Allowance((ip_network("127.0.0.0/8"), ip_network("::1/128")), ports=None, local_names=True)
        async with http_client(allowance=home) as client:
            assert (await client.get(there)).status_code == 200
        for allowance in (Allowance(ports=None), Allowance(ports=None, local_names=True)):
            async with http_client(allowance=allowance) as client:
                with pytest.raises(AddressNotAllowed):
                    await client.get(there)
