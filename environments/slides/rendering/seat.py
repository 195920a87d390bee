"""One tab with a profile of its own, used for one page after the other."""

from dataclasses import dataclass
from typing import Self

from playwright.async_api import Browser, BrowserContext, CDPSession, Page, Route

from environments.slides.measurement import HEIGHT, WIDTH
from environments.slides.rendering.guard import ADDRESS, Guard
from environments.slides.rendering.rendered import Rendered
from environments.slides.rendering.session import measure


@dataclass
class Seat:
    """No page can leave anything for the next: none has scripts, cookies or a second request.

    Nor does it stay until the next one comes: a refresh that it set for later would ask in that one's name.
    """

    context: BrowserContext
    page: Page
    protocol: CDPSession
    guard: Guard

    @classmethod
    async def open(cls, browser: Browser) -> Self:
        context = await browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT},
            java_script_enabled=False,
            accept_downloads=False,
            service_workers="block",
        )
        page = await context.new_page()
        seat = cls(context, page, await context.new_cdp_session(page), Guard(""))
        await context.route("**/*", seat._answer)
        return seat

    async def render(self, html: str) -> Rendered:
        """Errors: playwright's Error if the tab or the browser dies."""
        self.guard = Guard(html)
        await self.page.goto(ADDRESS, wait_until="load", timeout=0)
        rendered = await measure(self.page, self.protocol, self.guard)
        await self.page.goto("about:blank", timeout=0)
        return rendered

    async def close(self) -> None:
        await self.context.close()

    async def _answer(self, route: Route) -> None:
        await self.guard.answer(route)
