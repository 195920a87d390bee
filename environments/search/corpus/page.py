"""A page as tools see it: an address, a title, paragraphs of text, links."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """Where a page points: the id of a page of the same corpus, or a URL."""

    text: str
    target: str


@dataclass(frozen=True)
class Page:
    """`id` is the path below the corpus folder or a URL; paragraphs of `text` are parted by blank lines."""

    id: str
    title: str
    text: str
    links: tuple[Link, ...] = ()
