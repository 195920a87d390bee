"""Folders of every kind become pages; what is not a page is refused by file and line."""

from pathlib import Path

import pytest

from environments.search.corpus.folder import read_folder
from environments.search.corpus.page import Link
from services.kit.failure import Refused

HTML = """<html><head><title>Head</title><script>var hidden = 1</script></head><body><nav>menu</nav>
<div role="main"><h1>Ferries¶</h1><p>A <b>ferry</b> crosses
the <a href="../rivers/wend.html#top">Wend</a>.</p>after<pre>keep
  this</pre><table><tr><td>left</td><td>right</td></tr></table>
<a href="https://example.org/x#y">out</a><a href="#here">here</a></div></body></html>"""


def test_formats_of_one_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/ferries.html").write_text(HTML)
    (tmp_path / "b.md").write_text(
        "# Locks\n\nA *lock* lifts [ferries](a/ferries.html).\n\n<script>x</script>\n"
    )
    (tmp_path / "c.txt").write_text("\nFirst line\nsecond\n")
    (tmp_path / "d.jsonl").write_text(
        '{"id": "x", "title": "X", "text": "t", "links": [{"text": "B", "target": "b.md"}]}\n\n'
        '{"url": "https://example.org/y", "title": "Y", "text": "u"}\n'
    )
    (tmp_path / "ignored.png").write_bytes(b"\x89PNG")
    (tmp_path / "_sources").mkdir()
    (tmp_path / "_sources/c.txt").write_text("twice")
    pages = {page.id: page for page in read_folder(tmp_path)}
    assert list(pages) == ["a/ferries.html", "b.md", "c.txt", "https://example.org/y", "x"]
    ferries = pages["a/ferries.html"]
    assert ferries.title == "Ferries"
    assert ferries.text == (
        "Ferries\n\nA ferry crosses the Wend.\n\nafter\n\nkeep\n  this\n\nleft\n\nright\n\nouthere"
    )
    assert ferries.links == (Link("Wend", "rivers/wend.html"), Link("out", "https://example.org/x"))
    assert pages["b.md"].title == "Locks"
    assert pages["b.md"].links == (Link("ferries", "a/ferries.html"),)
    assert "<script>" in pages["b.md"].text
    assert pages["c.txt"].title == "First line"
    assert pages["x"].links == (Link("B", "b.md"),)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "rows.jsonl:2"),
        ("[]", "rows.jsonl:2"),
        ('{"id": "b", "text": "no title"}', "'title'"),
        ('{"title": "no id", "text": "t"}', "'url'"),
        ('{"id": "b", "title": "t", "text": "t", "links": ["x"]}', "rows.jsonl:2"),
        ('{"id": "a", "title": "twice", "text": "t"}', "two pages have the id 'a'"),
    ],
)
def test_lines_that_are_no_page_are_refused(line: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"id": "a", "title": "A", "text": "t"}\n' + line)
    with pytest.raises(Refused, match=told):
        read_folder(tmp_path)


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no page"):
        read_folder(tmp_path)


def test_html_nested_a_thousand_deep_is_read(tmp_path: Path) -> None:
    (tmp_path / "deep.html").write_text("<div>" * 1000 + "core" + "</div>" * 1000)
    (page,) = read_folder(tmp_path)
    assert page.text == "core"
