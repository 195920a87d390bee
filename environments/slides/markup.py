"""What a page's source says before anybody renders it."""

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

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
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass
class Markup:
    """Counts of one page's elements and what its styles declare. `faults`: one sentence for each."""

    elements: Counter[str] = field(default_factory=Counter)
    images: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    css: str = ""

    @property
    def declarations(self) -> list[tuple[str, str]]:
        """Each declared property, lower case, with its value."""
        found = re.findall(r"(?:^|[{;\s])([a-z-]+)\s*:\s*([^;{}]+)", self.css.lower())
        return [(name, value.strip()) for name, value in found]


def parse(html: str) -> Markup:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    markup = reader.markup
    if reader.open_elements:
        markup.faults.append(f"never closed: {', '.join(sorted(set(reader.open_elements)))}")
    markup.css = _COMMENT.sub(" ", markup.css)
    if re.search(r"@import|@font-face", markup.css, re.IGNORECASE):
        markup.faults.append("a style loads something")
    return markup


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.markup = Markup()
        self.open_elements: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.markup.elements[tag] += 1
        if tag not in _VOID | _OPTIONAL:
            self.open_elements.append(tag)
        if tag in FORBIDDEN:
            self.markup.faults.append(f"<{tag}> is not allowed")
        if tag == "meta" and "http-equiv" in values:
            self.markup.faults.append("<meta http-equiv> is not allowed")
        if tag == "img":
            self.markup.images.append(values.get("src", ""))
        handlers = sorted(name for name in values if name.startswith("on"))
        if handlers:
            self.markup.faults.append(f"scripts do not run: {', '.join(handlers)}")
        self.markup.css += f";{values.get('style', '')};"

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID | _OPTIONAL:
            return
        if tag not in self.open_elements:
            self.markup.faults.append(f"</{tag}> closes nothing")
            return
        while self.open_elements.pop() != tag:
            self.markup.faults.append(f"</{tag}> closes another element")

    def handle_data(self, data: str) -> None:
        if self.open_elements and self.open_elements[-1] == "style":
            self.markup.css += data
