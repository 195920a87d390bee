"""Any folder of HTML, Markdown, text or JSON lines as the pages of a corpus."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from environments.search.corpus.html import html_page
from environments.search.corpus.markdown import markdown_page
from environments.search.corpus.page import Link, Page
from services.kit.failure import Refused

Read = Callable[[str, str], Page]


def text_page(id: str, text: str) -> Page:
    """The page of a text file; its first line that is not blank is the title."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), id)
    return Page(id, first[:200], text.strip())


_READERS: Mapping[str, Read] = {
    ".html": html_page,
    ".htm": html_page,
    ".xhtml": html_page,
    ".md": markdown_page,
    ".markdown": markdown_page,
    ".txt": text_page,
    ".rst": text_page,
}


def read_folder(folder: Path) -> list[Page]:
    """Every page below a folder, sorted by id.

    Files of other kinds are left alone, and so is what documentation tools keep in `_sources` and the like:
    any path with a part that begins with a dot or an underscore.

    Errors: Refused if there is no page, or a JSON line is not a page, or two pages share an id.
    """
    pages = sorted(_read(folder), key=lambda page: page.id)
    if not pages:
        known = ", ".join([*_READERS, ".jsonl"])
        raise Refused(
            f"no page below {folder}", field="corpus", remedy=f"give a folder with files of {known}"
        )
    for page, following in pairwise(pages):
        if page.id == following.id:
            raise Refused(f"two pages have the id {page.id!r}", field="id", value=page.id)
    return pages


def _read(folder: Path) -> Iterator[Page]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or any(part[0] in "._" for part in path.relative_to(folder).parts):
            continue
        id, kind = path.relative_to(folder).as_posix(), path.suffix.lower()
        if kind == ".jsonl":
            yield from _rows(id, path)
        elif kind in _READERS:
            yield _READERS[kind](id, path.read_text(errors="replace"))


def _rows(name: str, path: Path) -> Iterator[Page]:
    with path.open() as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _row(f"{name}:{number}", line)


def _row(where: str, line: str) -> Page:
    """A page of `{"id" or "url", "title", "text", "links": [{"text", "target"}]}`; links may be missing."""
    try:
        row: Any = json.loads(line)
        links = tuple(Link(str(link["text"]), str(link["target"])) for link in row.get("links", ()))
        return Page(str(row.get("id") or row["url"]), str(row["title"]), str(row["text"]), links)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            f"{where} is not a page: {error!r}",
            field=where,
            value=line,
            remedy='write one object a line: {"id": ..., "title": ..., "text": ...}',
        ) from error
