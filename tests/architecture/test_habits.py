"""Habits that a reviewer would otherwise have to remember."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import CODE, PRODUCT, ROOT, Source, sources

BROAD = {"Exception", "BaseException"}


def test_a_broad_except_names_its_boundary() -> None:
    """`except Exception` says on its line, or in the line before or after, which boundary it is."""
    found = [
        f"{source.path}:{handler.lineno}"
        for source in sources(*PRODUCT, "bench")
        for handler in _handlers(source)
        if _is_broad(handler) and not _has_comment(source, handler)
    ]
    assert not found, "\n".join(found)


def test_no_state_hides_in_globals() -> None:
    found = [
        f"{source.path}:{node.lineno}"
        for source in sources(*CODE)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Global)
    ]
    assert not found, "\n".join(found)


def test_nothing_depends_on_where_the_repository_lies() -> None:
    assert [str(source.path) for source in sources(*CODE) if str(ROOT) in source.text] == []


def _handlers(source: Source) -> Iterator[ast.ExceptHandler]:
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.ExceptHandler))


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(name is None or (isinstance(name, ast.Name) and name.id in BROAD) for name in names)


def _has_comment(source: Source, handler: ast.ExceptHandler) -> bool:
    around = source.lines()[max(0, handler.lineno - 2) : handler.lineno + 1]
    return any("#" in line for line in around)
