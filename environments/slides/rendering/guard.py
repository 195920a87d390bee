"""What a page may load: itself, once, and the images that there are. All else is refused and remembered."""

import re

from playwright.async_api import Route

from environments.slides.pictures import PICTURES

ORIGIN = "http://slides.invalid/"
ADDRESS = f"{ORIGIN}page.html"
_POLICY = (  # within the page: no fonts, which paint other letters than the text has; no pictures, which move
    "script-src 'none'; object-src 'none'; frame-src 'none'; font-src http: https:; img-src http: https:; "
    "style-src 'unsafe-inline' http: https:; "
    "form-action 'none'; base-uri 'none'; sandbox allow-same-origin"
)
_SHADOW = re.compile("shadowrootmode", re.IGNORECASE)  # a tree that no measurement would enter
_REMEMBERED = 20


class Guard:
    """Answers every request of one page's browser context."""

    def __init__(self, html: str) -> None:
        self._html = _SHADOW.sub("shadow", html)
        self._served = False
        self._refused: dict[str, None] = {}

    @property
    def refused(self) -> tuple[str, ...]:
        """Addresses that were asked for in vain, in order, cut to 200 characters."""
        return tuple(self._refused)

    async def answer(self, route: Route) -> None:
        address = route.request.url
        picture = PICTURES.get(address.removeprefix(ORIGIN)) if address.startswith(ORIGIN) else None
        if picture is not None and not route.request.is_navigation_request():
            await route.fulfill(body=picture, content_type="image/svg+xml")
        elif address == ADDRESS and not self._served:
            self._served = True
            headers = {"content-security-policy": _POLICY}
            await route.fulfill(body=self._html, content_type="text/html; charset=utf-8", headers=headers)
        else:
            if len(self._refused) < _REMEMBERED:
                self._refused[address[:200]] = None
            await route.abort("blockedbyclient")
