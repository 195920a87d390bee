"""HTML into a page: its main text by blocks, without navigation and scripts, and its links."""

from collections.abc import Iterator
from itertools import groupby
from posixpath import dirname, join, normpath
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from environments.search.corpus.page import Link, Page

_NOT_TEXT = ("script", "style", "noscript", "template", "svg", "nav", "header", "footer", "aside", "form")
_MAIN = "main, [role=main], article, body"
_BLOCKS = frozenset(
    (
        "address", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "main", "ol", "p", "pre",
        "section", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul",
    )
)  # fmt: skip


def html_page(id: str, html: str) -> Page:
    """The page of an HTML document. `id` is its path or URL; relative links are resolved against it."""
    tree = LexborHTMLParser(html)
    title = _title(tree) or id
    tree.strip_tags(list(_NOT_TEXT))
    main = tree.css_first(_MAIN) or tree.root
    if main is None:
        return Page(id, title, "")
    return Page(id, title, "\n\n".join(filter(None, _paragraphs(main))), tuple(_links(id, main)))


def _title(tree: LexborHTMLParser) -> str:
    heading = tree.css_first("h1") or tree.css_first("title")
    return "" if heading is None else " ".join(heading.text().split()).removesuffix("¶").strip()


def _paragraphs(main: LexborNode) -> Iterator[str]:
    """The text of each block element, which ends where another one begins."""
    nodes = [node for node in main.traverse(include_text=True) if node.tag in ("-text", "br")]
    blocks: dict[int, _Block] = {}
    for block, group in groupby(nodes, key=lambda node: _block_of(node, blocks)):
        yield _text(list(group), block)


class _Block(NamedTuple):
    id: int
    preformatted: bool


def _block_of(node: LexborNode, known: dict[int, _Block]) -> _Block:
    """The block element that a node stands in; `known` has the blocks of elements met before."""
    element, climbed = node.parent, []
    while element is not None and element.mem_id not in known:
        climbed.append(element.mem_id)
        if element.tag in _BLOCKS:
            known[element.mem_id] = _Block(element.mem_id, element.tag == "pre")
            break
        element = element.parent
    block = known[element.mem_id] if element is not None else _Block(0, False)
    known.update(dict.fromkeys(climbed, block))
    return block


def _text(nodes: list[LexborNode], block: _Block) -> str:
    text = "".join("\n" if node.tag == "br" else node.text(deep=False) for node in nodes).replace("¶", "")
    if block.preformatted:
        return text.strip("\n")
    return " ".join(text.split())


def _links(id: str, main: LexborNode) -> list[Link]:
    found = (
        (" ".join(anchor.text().split()), anchor.attributes.get("href") or "")
        for anchor in main.css("a[href]")
    )
    links = (Link(text, resolve(id, href)) for text, href in found if text and not href.startswith("#"))
    return list(dict.fromkeys(links))


def resolve(page: str, href: str) -> str:
    """What a link on a page points to, without its fragment: a URL, or a path below the corpus folder."""
    if urlsplit(page).scheme or urlsplit(href).scheme or href.startswith("//"):
        return urljoin(page, href).partition("#")[0]
    path = unquote(href.partition("#")[0].partition("?")[0])
    return normpath(join("/", dirname(page), path)).lstrip("/")
