"""A mutation changes one segment, means something else, and leaves all other formatting alone."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.swe.build.mutation import mutations
from environments.swe.build.patch import is_mutable, patch_of

SOURCE = '''\
"""Größe 10."""


def take(items: list[int], count: int = 0) -> int:  # 3 + 4
    if count < 0:
        raise ValueError("ü + %s" % count)
    größe = (items[0]   +   count) if count else 1
    for n in range(count):
        größe = max(größe, n * 2)
    return größe and items[count:] == [] or not items
'''


def kinds(source: str) -> set[tuple[str, str]]:
    """What becomes of a single line, by kind."""
    return {
        (mutation.kind, mutation.applied(source.encode()).decode()) for mutation in mutations(source.encode())
    }


@pytest.mark.parametrize(
    ("source", "kind", "broken"),
    [
        ("x = a + b", "operator", "x = a - b"),
        ("x = (a)  //  (b)", "operator", "x = (a)  *  (b)"),
        ("x = a and b", "condition", "x = a or b"),
        ("x = a == b", "condition", "x = a != b"),
        ("x = a not in b", "condition", "x = a in b"),
        ("x = a <= b", "off_by_one", "x = a < b"),
        ("x = a[i:j]", "off_by_one", "x = a[i:j + 1]"),
        ("x = range(n)", "off_by_one", "x = range(n - 1)"),
        ("x = 3", "constant", "x = 4"),
        ("x = True", "constant", "x = False"),
        ("x = f(a, b.c, 1)", "swapped_arguments", "x = f(b.c, a, 1)"),
        ("if f(a):\n    raise ValueError", "removed_check", "pass"),
        ("if f(a):\n    x = b\n", "condition", "if not (f(a)):\n    x = b\n"),
    ],
)
def test_bugs_of_each_kind(source: str, kind: str, broken: str) -> None:
    assert (kind, broken) in kinds(source)


@pytest.mark.parametrize(
    "source", ['x = "%s" % a', "x: Literal[1]", 'x = f"{a + b}"', '"""1 + 1"""', "x = a # + b"]
)
def test_what_is_left_alone(source: str) -> None:
    assert kinds(source) == set()


def test_each_changes_one_segment_of_a_source_with_wide_characters() -> None:
    source = SOURCE.encode()
    found = mutations(source)
    assert len({mutation.kind for mutation in found}) >= 5
    for mutation in found:
        broken = mutation.applied(source)
        assert broken != source
        assert ast.dump(ast.parse(broken)) != ast.dump(ast.parse(source))
        assert broken.startswith(source[: mutation.start])
        assert broken.endswith(source[mutation.end :])


LINES = st.lists(st.text(st.characters(exclude_categories=("Cc", "Zl", "Zp", "Cs")), max_size=5), min_size=1)


@given(LINES, LINES)
def test_patches_say_what_changed(before: list[str], after: list[str]) -> None:
    texts = ["".join(f"{line}\n" for line in lines) for lines in (before, after)]
    assert all(is_mutable(text.encode()) for text in texts)
    patch = patch_of("a/b.py", *texts)
    assert bool(patch) == (texts[0] != texts[1])
    removed = [line[1:] for line in patch.split("\n")[3:] if line.startswith("-")]
    assert set(removed) <= set(before)


@pytest.mark.parametrize("source", [b"x = 1", b"x = 1\r\n", b"\xff\n", b"x = '\x0c'\n"])
def test_sources_that_a_patch_could_spoil_are_left_out(source: bytes) -> None:
    assert not is_mutable(source)
