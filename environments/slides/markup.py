"""What a page's source says before anybody renders it. Read in one pass, however it is broken."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

FORBIDDEN = frozenset({
    "script", "iframe", "frame", "object", "embed", "canvas", "video", "audio", "form", "input", "button",
    "dialog", "template", "noscript", "base", "link", "marquee",
})  # fmt: skip
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})  # fmt: skip
_OPTIONAL = frozenset({
    "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "html", "head", "body",
    "colgroup",
})  # fmt: skip
_UNCLOSED = _VOID | _OPTIONAL
_RAW = frozenset({"style", "script", "title", "textarea", "iframe", "xmp"})  # hold text alone
_MARK = re.compile(
    r"<(?:(?P<comment>!--)|(?P<other>[!?]|/(?![a-z]))|(?P<end>/)?(?P<name>[a-z][^\s/>]*+))", re.IGNORECASE
)
_VALUE = r"""\s*+=\s*+(?P<value>"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)"""
_ATTRIBUTE = re.compile(rf"[\s/]*+(?P<name>[^\s/>][^\s/>=]*+)(?:{_VALUE})?")
_LONGEST = 200  # of a sentence, which can quote the page
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_LOADS = re.compile(r"@import|@font-face|url\(\s*+[\"']?data:", re.IGNORECASE)


@dataclass
class Markup:
    """Counts of one page's elements. `faults`: one sentence for each."""

    elements: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Tag:
    name: str
    closes: bool = False
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""  # what an element holds that holds text alone


def parse(html: str) -> Markup:
    reader, styles = _Reader(), list[str]()
    for tag in _tags(html):
        reader.end(tag.name) if tag.closes else reader.start(tag)
        styles += [tag.attributes.get("style", ""), tag.text if tag.name == "style" else ""]
    if reader.open_elements:
        reader.fault(f"never closed: {', '.join(sorted(set(reader.open_elements)))}")
    if _LOADS.search(_COMMENT.sub(" ", ";".join(styles))):
        reader.fault("a style loads something")
    return reader.markup


def _tags(html: str) -> Iterator[_Tag]:
    """In order. A tag or a comment that never ends swallows the rest, as it does in a browser."""
    place = 0
    while mark := _MARK.search(html, place):
        if mark["comment"] or mark["other"]:
            end = html.find("-->", mark.end() - 2) if mark["comment"] else html.find(">", mark.end())
            if end < 0:
                return
            place = end + 1
            continue
        attributes, place = _attributes(html, mark.end())
        if place < 0:
            return
        name, text = mark["name"].lower(), ""
        if name in _RAW and not mark["end"]:
            ends = re.compile(rf"</{name}(?![^\s/>])", re.IGNORECASE).search(html, place)
            text, place = (html[place : ends.start()], ends.start()) if ends else (html[place:], len(html))
        yield _Tag(name, bool(mark["end"]), attributes, text)
        if html[place - 2 : place] == "/>" and not mark["end"]:
            yield _Tag(name, closes=True)


def _attributes(html: str, place: int) -> tuple[dict[str, str], int]:
    """The first of each name, and where the tag ends; -1 if it does not."""
    found: dict[str, str] = {}
    while attribute := _ATTRIBUTE.match(html, place):
        found.setdefault(attribute["name"].lower(), attribute["value"] or "")
        place = attribute.end()
    end = html.find(">", place)
    return found, end + 1 if end >= 0 else -1


class _Reader:
    def __init__(self) -> None:
        self.markup = Markup()
        self.open_elements: list[str] = []
        self._open = Counter[str]()

    def fault(self, sentence: str) -> None:
        self.markup.faults.append(sentence[:_LONGEST])

    def start(self, tag: _Tag) -> None:
        self.markup.elements[tag.name] += 1
        if tag.name not in _UNCLOSED:
            self.open_elements.append(tag.name)
            self._open[tag.name] += 1
        if tag.name in FORBIDDEN:
            self.fault(f"<{tag.name}> is not allowed")
        if tag.name == "meta" and "http-equiv" in tag.attributes:
            self.fault("<meta http-equiv> is not allowed")
        if "shadowrootmode" in tag.attributes:
            self.fault("shadow trees are not allowed")
        if handlers := sorted(name for name in tag.attributes if name.startswith("on")):
            self.fault(f"scripts do not run: {', '.join(handlers)}")

    def end(self, name: str) -> None:
        if name in _UNCLOSED:
            return
        if not self._open[name]:
            self.fault(f"</{name}> closes nothing")
            return
        while True:
            closed = self.open_elements.pop()
            self._open[closed] -= 1
            if closed == name:
                return
            self.fault(f"</{name}> closes another element")
