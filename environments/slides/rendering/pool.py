"""Real browsers' pages, so many at once: a page is loaded, measured, photographed and forgotten."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from playwright.async_api import Browser, Error, Playwright, async_playwright
from playwright.async_api import TimeoutError as Late

from environments.slides.rendering.flags import flags, runs_as_root
from environments.slides.rendering.memory import bounded
from environments.slides.rendering.rendered import Remembered, Rendered
from environments.slides.rendering.seat import Seat
from services.contracts.cause import Cause
from services.kit.failure import Failure, Refused

log = structlog.get_logger()

_STARTS_S = 60.0
_CLOSES_S = 5.0
_PROBE = "<!doctype html><title>probe</title><h1>probe</h1>"


@dataclass(frozen=True)
class Extent:
    """How much pages may take: pages at once, seconds of one page, bytes of its HTML and of its tab's memory,
    pages remembered.

    Where a plain page takes more than `plain_share` of a page's time, the machine is slow, not the page.
    """

    pages: int = 2
    page_timeout_s: float = 20.0
    plain_share: float = 0.3
    html_bytes: int = 64_000
    tab_bytes: int = 1 << 30
    remembered: int = 64


class RenderPool:
    """One Chromium for everybody; `async with` bounds its life, a crash brings another one.

    A page's own scripts never run: they are off in its profile, and a policy sent with it forbids them
    again. Measuring goes through the debugging protocol, which does not need them on. Without scripts and
    network a page looks the same whenever it is rendered, so the same page of a group is rendered once.
    """

    def __init__(self, executable: Path, extent: Extent | None = None) -> None:
        self._executable = executable
        self._extent = extent or Extent()
        self._places = asyncio.Semaphore(self._extent.pages)
        self._starting = asyncio.Lock()
        self._owned = AsyncExitStack()
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._free: list[Seat] = []
        self._remembered = Remembered(self._extent.remembered)

    @property
    def pages(self) -> int:
        """How many pages render at the same time."""
        return self._extent.pages

    async def __aenter__(self) -> Self:
        self._playwright = await self._owned.enter_async_context(async_playwright())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._browser is not None and self._browser.is_connected():
                await self._browser.close()
        finally:
            await self._owned.aclose()

    async def render(self, html: str) -> Rendered:
        """A page as Chromium lays it out and paints it.

        Errors: Refused if the page is too large, too slow or breaks its tab; Failure (sandbox) if the
        browser breaks.
        """
        encoded = html.encode(errors="replace")  # half a character has no encoding
        if len(encoded) > self._extent.html_bytes:
            limit = f"write at most {self._extent.html_bytes}"
            raise Refused(f"the page has {len(encoded)} bytes", field="html", remedy=limit)
        html = encoded.decode()
        async with self._remembered.alone(html):
            if (known := self._remembered.get(html)) is None:
                known = await self._rendered(html)
                self._remembered.put(html, known)
            return known

    async def _rendered(self, html: str) -> Rendered:
        """Errors: Refused if the page breaks two tabs while the browser lives and renders a plain page."""
        async with self._places:
            try:
                return await self._tried(html)
            except Error as broken:
                log.warning("browser_broke", error=str(broken)[:500])
            try:
                return await self._tried(html)
            except Error as broken:
                if self._browser is None or not self._browser.is_connected():
                    raise Failure(f"the browser broke: {broken}", cause=Cause.SANDBOX) from broken
            await self._probe()
        raise Refused("the page broke the browser's tab twice", field="html", remedy="write a simpler page")

    async def _tried(self, html: str) -> Rendered:
        try:
            return await self._once(html)
        except (TimeoutError, Late):
            await self._probe()
        late = f"the page did not render within {self._extent.page_timeout_s:g} s"
        raise Refused(late, field="html", remedy="write a simpler page")

    async def _probe(self) -> None:
        """A page is its author's fault only if a plain one is quick: else the machine is slow or broken.

        Errors: Failure (sandbox).
        """
        try:
            async with asyncio.timeout(self._extent.page_timeout_s * self._extent.plain_share):
                await self._once(_PROBE)
        except (TimeoutError, Late, Error) as late:
            raise Failure("the browser renders nothing in time", cause=Cause.SANDBOX) from late

    async def _once(self, html: str) -> Rendered:
        extent = self._extent
        async with self._seat() as seat, asyncio.timeout(extent.page_timeout_s), bounded(extent.tab_bytes):
            return await seat.render(html)

    @asynccontextmanager
    async def _seat(self) -> AsyncIterator[Seat]:
        """A tab of its own; after anything but a clean use it is closed, not used again."""
        browser = await self._running()
        seat = self._free.pop() if self._free else await Seat.open(browser)
        try:
            yield seat
        except BaseException:  # boundary: whatever broke the tab, it is not used again
            await self._abandon(seat)
            raise
        self._free.append(seat)

    async def _abandon(self, seat: Seat) -> None:
        try:
            async with asyncio.timeout(_CLOSES_S):
                await seat.close()
        except (Error, TimeoutError) as error:
            log.warning("tab_not_closed", error=str(error)[:500])

    async def _running(self) -> Browser:
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                self._free.clear()
                self._browser = await self._start()
            return self._browser

    async def _start(self) -> Browser:
        assert self._playwright is not None, "the pool is entered before it renders"
        try:
            return await self._playwright.chromium.launch(
                executable_path=self._executable,
                args=flags(),
                chromium_sandbox=not runs_as_root(),
                timeout=_STARTS_S * 1000,
            )
        except Error as error:
            detail = f"Chromium at {self._executable} does not start: {error}"
            raise Failure(detail[:2000], cause=Cause.SANDBOX) from error
