"""Pages of the open web, as the tools open them."""

from dataclasses import dataclass

from environments.search.corpus.folder import text_page
from environments.search.corpus.html import html_page
from environments.search.corpus.markdown import markdown_page
from environments.search.corpus.page import Page
from environments.search.web.fetch import Fetched, Fetcher


@dataclass(frozen=True)
class WebLibrary:
    """Opens a URL through the guard."""

    fetcher: Fetcher

    async def open(self, page: str) -> Page:
        """Errors: Refused if it may not or cannot be fetched."""
        return _page(await self.fetcher.fetch(page))


def _page(fetched: Fetched) -> Page:
    match fetched.kind:
        case "text/html" | "application/xhtml+xml":
            return html_page(fetched.url, fetched.text)
        case "text/markdown":
            return markdown_page(fetched.url, fetched.text)
        case _:
            return text_page(fetched.url, fetched.text)
