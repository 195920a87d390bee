"""Text into whole sentences, so that a snippet never hides the word that matters."""

import re
from functools import lru_cache

_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[\"“‘(]?[A-Z0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:[A-Z]|e\.g|i\.e|cf|vs|etc|Mr|Mrs|Ms|Dr|Prof|St|No|Fig|approx))\.$")


@lru_cache(maxsize=1024)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text in order; a paragraph always ends one. Pages are asked for again and again."""
    return tuple(
        found for paragraph in text.split("\n\n") for found in _of_paragraph(" ".join(paragraph.split()))
    )


def _of_paragraph(paragraph: str) -> list[str]:
    found: list[str] = []
    start = 0
    for end in _END.finditer(paragraph):
        if not _ABBREVIATION.search(paragraph[start : end.start()]):
            found.append(paragraph[start : end.end()].strip())
            start = end.end()
    return [*found, paragraph[start:]] if paragraph[start:] else found
