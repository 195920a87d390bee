"""Markdown into a page, by way of the HTML it stands for."""

from markdown_it import MarkdownIt

from environments.search.corpus.html import html_page
from environments.search.corpus.page import Page


def markdown_page(id: str, text: str) -> Page:
    """The page of a Markdown document; raw HTML inside it counts as text."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return html_page(id, f"<main>{html}</main>")
