"""Fetches one public page: guarded at every hop, bounded in time, size and kind."""

import asyncio
import zlib
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import ClientError, ClientResponse, ClientSession, DummyCookieJar, TCPConnector
from yarl import URL

from services.kit.address import Allowance, NotAllowed, target
from services.kit.failure import Refused
from services.kit.resolver import GuardedResolver, Lookup, system_lookup

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KINDS = frozenset({"text/html", "application/xhtml+xml", "text/plain", "text/markdown", "application/json"})
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class FetchLimits:
    """For one page, all its redirects together; bytes are counted before and after decompression."""

    seconds: float = 15.0
    bytes: int = 4_000_000
    redirects: int = 3


@dataclass(frozen=True)
class Fetched:
    """A page as it came: the URL it was found at in the end, its kind and its text."""

    url: str
    kind: str
    text: str


class Fetcher:
    """Asks only checked addresses, without cookies, proxies or credentials; open while in its context.

    Every connection resolves anew, through the guard.
    """

    def __init__(
        self, allowance: Allowance, limits: FetchLimits | None = None, lookup: Lookup = system_lookup
    ) -> None:
        self._allowance = allowance
        self._limits = limits or FetchLimits()
        self._lookup = lookup

    async def __aenter__(self) -> Self:
        self._session = ClientSession(
            connector=TCPConnector(
                resolver=GuardedResolver(self._allowance, self._lookup), use_dns_cache=False, limit_per_host=8
            ),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,  # so that a small body cannot become a large one unnoticed
            trust_env=False,
            headers={"accept-encoding": "gzip, deflate", "user-agent": "podium-search"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def fetch(self, url: str) -> Fetched:
        """The page. Errors: Refused, in words that a model can act on; never with the body of an error."""
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._follow(url)
        except NotAllowed as refused:
            detail = f"{url[:200]!r} is not fetched: {refused.reason}"
            raise Refused(detail, field="page", remedy="open a public web page") from refused
        except TimeoutError:
            raise _unreadable(url, f"it took longer than {self._limits.seconds:g} s") from None
        except (ClientError, OSError, ValueError, zlib.error) as error:
            raise _unreadable(url, _reason(error)) from error

    async def _follow(self, url: str) -> Fetched:
        here = target(url, self._allowance)
        for _ in range(self._limits.redirects + 1):
            async with self._session.get(here, allow_redirects=False) as response:
                if response.status not in _REDIRECTS:
                    return await self._read(here, response)
                onward = here.join(URL(response.headers.get("location", "")))
            here = target(str(onward), self._allowance)
        raise _unreadable(url, f"it redirects more than {self._limits.redirects} times")

    async def _read(self, url: URL, response: ClientResponse) -> Fetched:
        if response.status != 200:
            raise _unreadable(str(url), f"the server answers {response.status}")
        if response.content_type not in _KINDS:
            raise _unreadable(str(url), f"it is {response.content_type}, not text")
        body = _decoded(await self._body(url, response), response, self._limits.bytes)
        if len(body) > self._limits.bytes:
            raise _unreadable(str(url), f"it is longer than {self._limits.bytes} bytes")
        return Fetched(str(url), response.content_type, body.decode(_charset(response), errors="replace"))

    async def _body(self, url: URL, response: ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._limits.bytes:
                raise _unreadable(str(url), f"it is longer than {self._limits.bytes} bytes")
        return bytes(body)


def _decoded(body: bytes, response: ClientResponse, limit: int) -> bytes:
    """At most `limit` + 1 bytes of what a compressed body holds."""
    match response.headers.get("content-encoding", "identity").strip().lower():
        case "identity" | "":
            return body
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=47).decompress(body, limit + 1)
        case other:
            raise ValueError(f"unknown compression {other[:40]!r}")


def _charset(response: ClientResponse) -> str:
    charset = response.charset or "utf-8"
    try:
        "".encode(charset)
    except LookupError:
        return "utf-8"
    return charset


def _reason(error: Exception) -> str:
    return "it cannot be reached" if isinstance(error, ClientError | OSError) else "its reply cannot be read"


def _unreadable(url: str, reason: str) -> Refused:
    return Refused(f"{url[:200]!r} cannot be opened: {reason}", field="page", remedy="open another page")
