"""Fetching against real servers that rebind, redirect, stall, swell and lie."""

import asyncio
import gzip
from collections.abc import Sequence
from ipaddress import ip_network

import pytest
from aiohttp import web
from yarl import URL

from environments.search.web.fetch import Fetcher, FetchLimits
from environments.search.web.library import WebLibrary
from services.kit.address import Allowance
from services.kit.failure import Refused
from tests.environments.search.conftest import Serve

LIMITS = FetchLimits(seconds=2.0, bytes=50_000, redirects=3)


class Names:
    """A resolver whose answers are written down; the last one stays. `asked` counts questions."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return list(answer)


def allowance(url: str) -> Allowance:
    """Everything that these tests' servers need: one loopback address and one port."""
    return Allowance((ip_network("127.0.0.1/32"),), (URL(url).port or 0,))


def named(url: str, name: str = "site.example") -> str:
    return url.replace("127.0.0.1", name)


async def hello(request: web.Request) -> web.Response:
    text = f"<h1>Hello</h1><p>from {request.host.partition(':')[0]}</p><a href='/x#y'>x</a>"
    return web.Response(text=text, content_type="text/html")


async def refusal(
    url: str, names: Names, limits: FetchLimits = LIMITS, allowed: Allowance | None = None
) -> str:
    async with Fetcher(allowed or allowance(url), limits, names) as fetcher:
        with pytest.raises(Refused) as refused:
            await fetcher.fetch(named(url))
    return refused.value.detail


async def test_a_page_is_fetched_by_its_name(serve: Serve) -> None:
    url = await serve(hello)
    async with Fetcher(allowance(url), LIMITS, Names(["127.0.0.1"])) as fetcher:
        page = await WebLibrary(fetcher).open(named(url) + "/a#part")
    assert (page.title, page.text) == ("Hello", "Hello\n\nfrom site.example\n\nx")
    assert page.links[0].target == named(url) + "/x"


async def test_one_private_address_among_public_ones_refuses_the_name(serve: Serve) -> None:
    url = await serve(hello)
    detail = await refusal(url, Names(["127.0.0.1", "10.0.0.1"]))
    assert detail == f"'{named(url)}' is not fetched: one of its addresses is not public"


async def test_a_rebinding_name_is_asked_once_for_each_connection(serve: Serve) -> None:
    requests = 0

    async def count(request: web.Request) -> web.Response:
        nonlocal requests
        requests += 1
        return await hello(request)

    url = await serve(count)
    names = Names(["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1"])
    async with Fetcher(allowance(url), LIMITS, names) as fetcher:
        await fetcher.fetch(named(url))
        assert (names.asked, requests) == (["site.example"], 1)
    async with Fetcher(allowance(url), LIMITS, names) as fetcher:
        with pytest.raises(Refused):
            await fetcher.fetch(named(url))
    assert (len(names.asked), requests) == (2, 1)


@pytest.mark.parametrize(
    "onward",
    [
        "http://127.0.0.2/",
        "http://169.254.169.254/latest",
        "http://2130706433/",
        "file:///etc/passwd",
        "//[::1]/",
    ],
)
async def test_a_redirect_is_checked_like_any_url(onward: str, serve: Serve) -> None:
    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": onward})

    detail = await refusal(await serve(redirect), Names(["127.0.0.1"]))
    assert "is not fetched" in detail


async def test_a_redirect_to_a_name_that_turned_private_is_refused(serve: Serve) -> None:
    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": str(request.url.with_host("inner.example"))})

    url = await serve(redirect)
    names = Names(["127.0.0.1"], ["192.168.0.9"])
    assert "not public" in await refusal(url, names)
    assert names.asked == ["site.example", "inner.example"]


@pytest.mark.parametrize(("hops", "reached"), [(3, True), (4, False), (10, False)])
async def test_redirects_end(hops: int, reached: bool, serve: Serve) -> None:
    async def chain(request: web.Request) -> web.Response:
        left = int(request.path.strip("/") or hops)
        if left == 0:
            return await hello(request)
        return web.Response(status=301, headers={"location": f"/{left - 1}"})

    url = await serve(chain)
    if not reached:
        assert "redirects more than 3 times" in await refusal(url, Names(["127.0.0.1"]))
        return
    async with Fetcher(allowance(url), LIMITS, Names(["127.0.0.1"])) as fetcher:
        assert (await fetcher.fetch(named(url))).url.endswith("/0")


async def test_a_server_that_drips_is_left(serve: Serve) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/plain"})
        await response.prepare(request)
        for _ in range(100):
            await response.write(b".")
            await asyncio.sleep(0.05)
        return response

    limits = FetchLimits(seconds=0.3, bytes=50_000)
    assert "longer than 0.3 s" in await refusal(await serve(drip), Names(["127.0.0.1"]), limits)


async def test_a_body_without_end_is_cut_short(serve: Serve) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/plain"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    assert "longer than 50000 bytes" in await refusal(await serve(flood), Names(["127.0.0.1"]))


async def test_a_compressed_body_cannot_swell(serve: Serve) -> None:
    async def bomb(request: web.Request) -> web.Response:
        body = gzip.compress(b"0" * 20_000_000)
        return web.Response(body=body, headers={"content-type": "text/plain", "content-encoding": "gzip"})

    assert "longer than 50000 bytes" in await refusal(await serve(bomb), Names(["127.0.0.1"]))


async def test_a_compressed_page_is_read(serve: Serve) -> None:
    async def packed(request: web.Request) -> web.Response:
        body = gzip.compress("größe".encode("latin-1"))
        headers = {"content-type": "text/plain; charset=latin-1", "content-encoding": "gzip"}
        return web.Response(body=body, headers=headers)

    url = await serve(packed)
    async with Fetcher(allowance(url), LIMITS, Names(["127.0.0.1"])) as fetcher:
        assert (await fetcher.fetch(named(url))).text == "größe"


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (404, {}, b"secret of the inner network", "answers 404"),
        (500, {}, b"secret of the inner network", "answers 500"),
        (200, {"content-type": "application/octet-stream"}, b"secret", "not text"),
        (200, {"content-type": "image/png"}, b"secret", "not text"),
        (200, {"content-type": "text/html", "content-encoding": "br"}, b"secret", "cannot be read"),
        (200, {"content-type": "text/html", "content-encoding": "gzip"}, b"secret", "cannot be read"),
    ],
)
async def test_errors_never_repeat_the_body(
    status: int, headers: dict[str, str], body: bytes, told: str, serve: Serve
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, body=body)

    detail = await refusal(await serve(answer), Names(["127.0.0.1"]))
    assert told in detail
    assert "secret" not in detail


async def test_a_port_that_nobody_listens_on(serve: Serve) -> None:
    url = "http://127.0.0.1:9"
    assert "cannot be reached" in await refusal(url, Names(["127.0.0.1"]))


async def test_an_unknown_charset_is_read_as_utf8(serve: Serve) -> None:
    async def odd(request: web.Request) -> web.Response:
        return web.Response(body="é".encode(), headers={"content-type": "text/plain; charset=klingon"})

    url = await serve(odd)
    async with Fetcher(allowance(url), LIMITS, Names(["127.0.0.1"])) as fetcher:
        assert (await fetcher.fetch(named(url))).text == "é"
