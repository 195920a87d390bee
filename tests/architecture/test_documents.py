"""Documents keep their shape, and the paths that they name exist."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import CODE, ROOT, documents, sources

HEADINGS = ["Context", "Decision", "Consequences", "Alternatives", "What enforces it"]
NAMED = re.compile(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:py|md|toml|lock))`")
TOP = (*CODE, "docs", ".ci")


@pytest.mark.parametrize(
    "record", sorted((ROOT / "docs/decisions").glob("[0-9]*.md")), ids=lambda path: path.stem
)
def test_a_decision_has_its_five_headings_on_one_page(record: Path) -> None:
    text = record.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert re.match(r"# \d{4} [A-Z]", text)
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_named_paths_exist(document: Path) -> None:
    """What a document puts in backticks and looks like a path of the repository is one."""
    missing = [name for name in NAMED.findall(document.read_text()) if not _exists(name, document)]
    assert missing == []


def _exists(name: str, document: Path) -> bool:
    if "/" not in name:
        return (ROOT / name).exists() or any(source.path.name == name for source in sources(*CODE))
    ours = name.split("/")[0] in TOP
    return not ours or any((folder / name).exists() for folder in (ROOT, document.parent))
