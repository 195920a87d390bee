"""A full-text index over pages in memory: tantivy's BM25 with English stemming."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

import tantivy

from environments.search.corpus.page import Page
from environments.search.index.engine import Hit
from environments.search.index.snippet import snippet
from services.kit.failure import Missing

_TITLE_WEIGHT: Final = 2.0
_WRITER_BYTES: Final = 64_000_000


class LocalIndex:
    """Search engine and library over the same pages; the same pages give the same answers everywhere."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = {page.id: page for page in pages}
        self._index = _index(self._pages.values())
        self._searcher = self._index.searcher()

    async def search(self, query: str, limit: int) -> list[Hit]:
        """Pages with any of the query's words; its punctuation means nothing."""
        words = " ".join(re.findall(r"\w+", query.lower()))
        parsed, _ = self._index.parse_query_lenient(
            words, ["title", "text"], field_boosts={"title": _TITLE_WEIGHT}
        )
        found = self._searcher.search(parsed, limit, count=False)
        pages = [self._pages[self._searcher.doc(address)["id"][0]] for _, address in found.hits]
        return [Hit(page.id, page.title, snippet(query, _after_title(page))) for page in pages]

    async def open(self, page: str) -> Page:
        if page in self._pages:
            return self._pages[page]
        near = get_close_matches(page, self._pages, n=1)
        remedy = f"did you mean {near[0]}?" if near else "search first, and open what it lists"
        raise Missing(f"there is no page {page!r}", field="page", value=page, remedy=remedy)

    @property
    def pages(self) -> tuple[Page, ...]:
        return tuple(self._pages.values())


def _index(pages: Iterable[Page]) -> tantivy.Index:
    schema = tantivy.SchemaBuilder()
    schema.add_text_field("id", stored=True, tokenizer_name="raw")
    for name in ("title", "text"):
        schema.add_text_field(name, tokenizer_name="en_stem")
    index = tantivy.Index(schema.build())
    # One thread and one commit make one segment: equal scores then keep the order of the pages.
    writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)
    for page in pages:
        writer.add_document(tantivy.Document(id=page.id, title=page.title, text=page.text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def _after_title(page: Page) -> str:
    return page.text.removeprefix(page.title).lstrip() or page.text
