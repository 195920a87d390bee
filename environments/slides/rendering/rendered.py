"""A page after it was rendered: its measurement and its screenshot; and those that are remembered."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from environments.slides.measurement import PageMeasurement


@dataclass(frozen=True)
class Rendered:
    """`screenshot` is a PNG, 1280 wide and 720 high, or up to 1440 with what hangs over."""

    measurement: PageMeasurement
    screenshot: bytes


@dataclass
class Remembered:
    """The pages used last, by their HTML. What failed is not among them."""

    limit: int
    _pages: OrderedDict[str, Rendered] = field(default_factory=OrderedDict)
    _busy: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def get(self, html: str) -> Rendered | None:
        if html in self._pages:
            self._pages.move_to_end(html)
        return self._pages.get(html)

    def put(self, html: str, page: Rendered) -> None:
        self._pages[html] = page
        while len(self._pages) > self.limit:
            self._pages.popitem(last=False)

    @asynccontextmanager
    async def alone(self, html: str) -> AsyncIterator[None]:
        """One at a time of those who want the same page."""
        lock = self._busy.setdefault(html, asyncio.Lock())
        async with lock:
            yield
