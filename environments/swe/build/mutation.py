"""Small bugs by syntax tree: one segment of the source is replaced, all else keeps its formatting."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_ARITHMETIC = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.FloorDiv: ("//", "*"),
    ast.Div: ("/", "*"),
    ast.Mod: ("%", "//"),
}
_COMPARISON = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_BOUNDARY = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}
_TOGETHER = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
_LARGEST = 1000


@dataclass(frozen=True)
class Mutation:
    """`kind` of bug, in which line it is, and the bytes from `start` to `end` with what replaces them."""

    kind: str
    line: int
    start: int
    end: int
    replacement: bytes

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.replacement + source[self.end :]


def mutations(source: bytes) -> list[Mutation]:
    """All that parse and mean something else, in the order of the source. Errors: SyntaxError."""
    tree = ast.parse(source)
    text = _Text(source)
    found = [mutation for node in _code(tree) for mutation in _of_node(node, text)]
    original = ast.dump(tree)
    kept = [mutation for mutation in found if _differs(mutation.applied(source), original)]
    return sorted(kept, key=lambda mutation: (mutation.start, mutation.end, mutation.kind))


class _Text:
    """Source by line and column, as the syntax tree counts them: columns are of UTF-8 bytes."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def start(self, node: ast.expr | ast.stmt) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        return self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)

    def segment(self, node: ast.expr | ast.stmt) -> bytes:
        return self.source[self.start(node) : self.end(node)]


def _code(tree: ast.Module) -> Iterator[ast.AST]:
    """Nodes that run: no annotations, no decorators, no f-strings (their positions are of no use)."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list") or isinstance(value, ast.JoinedStr):
                continue
            children = value if isinstance(value, list) else [value]
            waiting += [child for child in children if isinstance(child, ast.AST | ast.expr)]


def _of_node(node: ast.AST, text: _Text) -> Iterator[Mutation]:
    match node:
        case ast.BinOp(left=left, op=op, right=right) if not _formats(node):
            yield from _between("operator", left, right, _ARITHMETIC.get(type(op)), text)
        case ast.BoolOp(op=op, values=[first, second, *_]):
            yield from _between("condition", first, second, _TOGETHER.get(type(op)), text)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            yield from _between("condition", left, right, _COMPARISON.get(type(op)), text)
            yield from _between("off_by_one", left, right, _BOUNDARY.get(type(op)), text)
        case ast.If(test=test, body=body, orelse=[]) if _refuses(body) and not _is_elif(node, text):
            yield _replaced("removed_check", node, node, b"pass", text)
            yield from _negated(test, text)
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield from _negated(test, text)
        case ast.Constant(value=bool() as value):
            yield _replaced("constant", node, node, b"False" if value else b"True", text)
        case ast.Constant(value=int() as value) if abs(value) < _LARGEST and text.segment(node).isdigit():
            yield _replaced("constant", node, node, str(value + 1).encode(), text)
        case ast.Subscript(slice=ast.Slice(lower=lower, upper=upper)):
            for bound in (lower, upper):
                if bound is not None and not isinstance(bound, ast.Constant):
                    yield _replaced("off_by_one", bound, bound, text.segment(bound) + b" + 1", text)
        case ast.Call(func=ast.Name(id="range"), args=[*_, last]) if len(node.args) < 3:
            yield _replaced("off_by_one", last, last, text.segment(last) + b" - 1", text)
        case ast.Call(args=[first, second, *_]) if _plain(first) and _plain(second):
            swapped = text.segment(second) + text.source[text.end(first) : text.start(second)]
            yield _replaced("swapped_arguments", first, second, swapped + text.segment(first), text)


def _between(
    kind: str, left: ast.expr, right: ast.expr, words: tuple[str, str] | None, text: _Text
) -> Iterator[Mutation]:
    """Replace the operator that stands between two operands; brackets and comments there stay."""
    if words is None:
        return
    old, new = (word.encode() for word in words)
    start, end = text.end(left), text.start(right)
    between = text.source[start:end]
    if between.count(old) == 1 and b"#" not in between:
        position = start + between.index(old)
        yield Mutation(kind, left.lineno, position, position + len(old), new)


def _negated(test: ast.expr, text: _Text) -> Iterator[Mutation]:
    if not isinstance(test, ast.Compare | ast.Constant):
        yield _replaced("condition", test, test, b"not (" + text.segment(test) + b")", text)


def _replaced(
    kind: str, first: ast.expr | ast.stmt, last: ast.expr | ast.stmt, by: bytes, text: _Text
) -> Mutation:
    return Mutation(kind, first.lineno, text.start(first), text.end(last), by)


def _refuses(body: list[ast.stmt]) -> bool:
    return len(body) == 1 and isinstance(body[0], ast.Raise | ast.Return | ast.Continue)


def _is_elif(node: ast.If, text: _Text) -> bool:
    return text.source[text.start(node) :].startswith(b"elif")


def _formats(node: ast.BinOp) -> bool:
    return isinstance(node.left, ast.Constant) and isinstance(node.left.value, str | bytes)


def _plain(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Name | ast.Attribute | ast.Constant | ast.Subscript)


def _differs(source: bytes, original: str) -> bool:
    try:
        return ast.dump(ast.parse(source)) != original
    except (SyntaxError, ValueError):
        return False
