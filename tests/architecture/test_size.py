"""Files and functions stay small enough to be read without scrolling far."""

import ast

from tests.architecture.sources import CODE, sources

FILE_LINES = 300
FUNCTION_LINES = 60


def test_files_are_short() -> None:
    lengths = {str(source.path): len(source.lines()) for source in sources(*CODE)}
    found = [f"{path}: {lines} lines" for path, lines in lengths.items() if lines > FILE_LINES]
    assert not found, "\n".join(found)


def test_functions_are_short() -> None:
    found = [
        f"{source.path}:{node.lineno} {node.name}: {_lines(node)} lines"
        for source in sources(*CODE)
        if "migrations" not in source.path.parts  # a migration lists tables
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines(node) > FUNCTION_LINES
    ]
    assert not found, "\n".join(found)


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    has_docstring = ast.get_docstring(function) is not None and len(function.body) > 1
    first = function.body[1 if has_docstring else 0]
    return (function.end_lineno or first.lineno) - first.lineno + 1
