"""Which code was there before the submission: by what it does, for any code can bear any file's name."""

import ast
import importlib
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any, Protocol

Key = tuple[Any, ...]

_LOOKS = re.compile(
    rb"_getframe|_frames?\b|currentframe|excinfo|traceback|inspect|gc\.get_|settrace|setprofile|ctypes|/proc"
)
_PACKAGES = frozenset({"_pytest", "pluggy", "pytest", "__main__"})
_LIBRARY = ("_frozen_importlib", "_frozen_importlib_external", "collections", "contextlib", "enum", "inspect")
_MORE_LIBRARY = ("logging", "traceback", "typing", "warnings")


class Trust(Protocol):
    def __call__(self, code: CodeType) -> bool:
        """Whether it was there before."""

    def library(self, code: CodeType) -> bool:
        """Whether it was, and is of the standard library."""


def trust_of(workdir: str, changed: Iterable[str]) -> Trust:
    """Of the repository all but the files `changed`, as they are now; outside it what is older than this."""
    known = _known(Path(workdir), {str(Path(workdir, path)) for path in changed})
    seen: dict[int, CodeType] = {}
    read: set[str] = set()
    library = (f"{os.path.dirname(os.__file__)}/", "<frozen ")
    started, inside, key, whole = time.time(), f"{workdir.rstrip('/')}/", key_of, every
    stat, opened, compiled = os.stat, open, compile

    class Known:
        def __call__(self, code: CodeType) -> bool:
            if id(code) in seen:
                return True
            if key(code) not in known:
                learn(code.co_filename)
            if key(code) in known:
                seen[id(code)] = code  # kept, so that no other code gets its address
                return True
            return False

        def library(self, code: CodeType) -> bool:
            return code.co_filename.startswith(library) and self(code)

    def learn(file: str) -> None:
        if file in read or not file.startswith("/") or file.startswith(inside):
            return
        read.add(file)
        try:
            if stat(file).st_ctime < started:
                with opened(file, "rb") as source:
                    known.update(key(one) for one in whole(compiled(source.read(), file, "exec", 0, True)))
        except (OSError, SyntaxError, ValueError, RecursionError):
            return

    return Known()


def key_of(code: CodeType) -> Key:
    """Equal keys, equal deeds; each of the functions in it has a key of its own."""
    consts = tuple([repr(one) for one in code.co_consts if type(one) is not CodeType])
    return code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, consts


def every(code: CodeType) -> list[CodeType]:
    """A code and all that lie in it."""
    found = [code]
    for one in found:
        found.extend([inner for inner in one.co_consts if type(inner) is CodeType])
    return found


def _known(workdir: Path, changed: set[str]) -> set[Key]:
    return {key_of(one) for code in _there(workdir, changed) for one in every(code)}


def _there(workdir: Path, changed: set[str]) -> Iterator[CodeType]:
    ours = [name for name in sys.modules if name.split(".")[0] in _PACKAGES]
    for name in (*ours, *_LIBRARY, *_MORE_LIBRARY):
        code = _code_of(name)
        if code is not None:
            yield code
    for folder, _, names in os.walk(workdir):
        for path in (Path(folder, name) for name in names if name.endswith(".py")):
            if str(path) not in changed and not path.is_symlink():
                yield from _compiled(path)


def _code_of(name: str) -> CodeType | None:
    if name == "__main__":
        file = str(sys.modules[name].__file__)
        return compile(Path(file).read_bytes(), file, "exec", 0, True)
    spec = find_spec(name)
    loader: Any = spec.loader if spec is not None else None
    return loader.get_code(name) if hasattr(loader, "get_code") else None


def _compiled(path: Path) -> Iterator[CodeType]:
    """A file that looks into frames, or that pytest calls: as Python compiles it, and as pytest does."""
    source = path.read_bytes()
    if path.name != "conftest.py" and not _LOOKS.search(source):
        return
    rewrite: Any = importlib.import_module("_pytest.assertion.rewrite").rewrite_asserts
    try:
        yield compile(source, str(path), "exec", 0, True)
        tree = ast.parse(source, filename=str(path))
        rewrite(tree, source, str(path))
        yield compile(tree, str(path), "exec", 0, True)
    except (SyntaxError, ValueError, RecursionError):
        return
