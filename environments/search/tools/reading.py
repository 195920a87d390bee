"""How results, pages and finds read: plain text with page ids that can be opened."""

from collections.abc import Sequence

from environments.search.corpus.page import Page
from environments.search.corpus.sentences import sentences
from environments.search.index.engine import Hit

_LINKS_SHOWN = 40
_FINDS_SHOWN = 10


def hits_text(hits: Sequence[Hit]) -> str:
    """Each hit's title and page id, then its sentences."""
    if not hits:
        return "No page matches."
    return "\n\n".join(f"{hit.title} [{hit.page}]\n{hit.snippet}" for hit in hits)


def parts(page: Page, length: int) -> list[str]:
    """The text below the title in pieces of at most `length` characters, between paragraphs if possible."""
    pieces: list[str] = [""]
    for paragraph in page.text.removeprefix(page.title).lstrip().split("\n\n"):
        for start in range(0, len(paragraph) or 1, length):
            piece = paragraph[start : start + length]
            if pieces[-1] and len(pieces[-1]) + 2 + len(piece) > length:
                pieces.append(piece)
            else:
                pieces[-1] = f"{pieces[-1]}\n\n{piece}".lstrip("\n")
    return pieces


def page_text(page: Page, part: int, length: int) -> str:
    """One part of a page with the links whose text stands in it. Errors: IndexError beyond the last part."""
    pieces = parts(page, length)
    if not 1 <= part <= len(pieces):
        raise IndexError(len(pieces))
    text = pieces[part - 1]
    links = [f"{link.text} [{link.target}]" for link in page.links if link.text in text][:_LINKS_SHOWN]
    head = [f"{page.title} [{page.id}]"]
    if len(pieces) > 1:
        head.append(f"Part {part} of {len(pieces)}.")
    tail = [f"Links: {'; '.join(links)}"] if links else []
    return "\n\n".join([*head, text, *tail])


def found_text(page: Page, wanted: str, length: int) -> str:
    """The sentences of a page that contain the words as they stand, with the part each is in."""
    needle = " ".join(wanted.casefold().split())
    places = [
        (number, sentence)
        for number, piece in enumerate(parts(page, length), 1)
        for sentence in sentences(piece)
        if needle in sentence.casefold()
    ]
    if not places:
        return f"{wanted!r} does not occur in {page.title} [{page.id}]."
    lines = [f"Part {number}: {sentence}" for number, sentence in places[:_FINDS_SHOWN]]
    more = len(places) - len(lines)
    return "\n".join([*lines, f"… and {more} more places."] if more else lines)
