"""The project's source files, read once, and their syntax trees."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("services", "orchestrator", "learner", "environments")
CODE = (*PRODUCT, "deploy", "bench", "tests")
PROCESSES = (
    "services/gateway",
    "services/inference",
    "services/cli",
    "services/sandbox/host",
    "orchestrator",
    "learner",
    "environments",
)


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the repository."""

    path: Path
    text: str
    tree: ast.Module

    def lines(self) -> list[str]:
        return self.text.splitlines()


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file below the folders."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return tuple(_read(path) for path in paths)


def documents() -> list[Path]:
    """Every Markdown file that people read, in the repository's root, `docs/` and the code."""
    below = [path for folder in ("docs", *CODE) for path in (ROOT / folder).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *(path for path in below if not _is_a_task(path))])


def _is_a_task(path: Path) -> bool:
    """A Harbor task's `instruction.md` is written for the policy."""
    return path.name == "instruction.md"


def _read(path: Path) -> Source:
    text = path.read_text()
    return Source(path.relative_to(ROOT), text, ast.parse(text, str(path)))
