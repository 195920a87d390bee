"""The two seams below the tools: something that finds pages, and something that opens them."""

from dataclasses import dataclass
from typing import Protocol

from environments.search.corpus.page import Page


@dataclass(frozen=True)
class Hit:
    """One search result: the page to open, its title, and whole sentences from it."""

    page: str
    title: str
    snippet: str


class SearchEngine(Protocol):
    """Finds pages for a query, best first."""

    async def search(self, query: str, limit: int) -> list[Hit]:
        """At most `limit` hits. Errors: Unavailable if the engine cannot answer now."""


class Library(Protocol):
    """Opens pages by their id or URL."""

    async def open(self, page: str) -> Page:
        """The page. Errors: Missing if there is none, Refused if it must not or cannot be read."""
