"""Notices code under test that changes the test machinery, or that answers every comparison with yes."""

import secrets
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

_LEGACY = "_pytest.legacypath"
_RUNNING = ("pytest_runtest_", "pytest_pyfunc_call", "pytest_fixture_setup")
_BUILT_IN = (int, str, float, bytes, tuple, list, dict, set, frozenset, complex)


class Seal:
    """The functions of some packages as they are now, with their code."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        names = [name for name in sys.modules if name.split(".")[0] in packages]
        found = {
            (id(owner), name): (owner, name, vars(owner)[name], function)
            for module in names
            for owner, name, function in _functions(sys.modules[module])
        }
        self._entries = [(*one, one[3].__code__, one[3].__defaults__) for one in found.values()]
        # pytest's own plugin for older paths replaces methods of pytest when it starts.
        self._own = {id(one[3]) for one in found.values() if one[3].__module__ == _LEGACY}

    def broken(self) -> str:
        """The first function that is not what it was, or "". Called after every test, so it is quick."""
        for owner, name, value, function, code, defaults in self._entries:
            now = owner.__dict__.get(name)
            if now is not value and self._replaced(now, function):
                return f"{getattr(owner, '__name__', owner)}.{name}"
            if function.__code__ is not code or function.__defaults__ is not defaults:
                return f"{getattr(owner, '__name__', owner)}.{name}"
        return ""

    def _replaced(self, now: Any, function: FunctionType) -> bool:
        bare = getattr(now, "__func__", now)
        return bare is not function and id(bare) not in self._own


class Hooks:
    """Who answers the hooks that run a test, as it is now."""

    def __init__(self, plugins: Any) -> None:
        self._plugins = plugins
        self._entries = self._now()

    def broken(self) -> str:
        now = self._now()
        return next((name for name, those in self._entries.items() if now[name] != those), "")

    def _now(self) -> dict[str, list[int]]:
        names = [name for name in vars(self._plugins.hook) if name.startswith(_RUNNING)]
        callers = {name: getattr(self._plugins.hook, name) for name in names}
        found = {name: [id(impl.function) for impl in one.get_hookimpls()] for name, one in callers.items()}
        return {**found, "the calls of hooks": [id(self._plugins._inner_hookexec)]}


def overridden(item: Any) -> str:
    """A method of a test that was replaced in the test itself, or ""."""
    return next(
        (name for name in vars(item) if isinstance(getattr(type(item), name, None), FunctionType)), ""
    )


def equal_to_anything(folder: str) -> list[str]:
    """Classes defined below `folder` whose instances, or which themselves, equal values they cannot know."""
    return [
        f"{kind.__module__}.{kind.__qualname__}"
        for kind in _classes(object)
        if _defined_below(kind, folder) and (_agrees(_bare(kind)) or _agrees(kind))
    ]


def _functions(module: ModuleType) -> Iterator[tuple[Any, str, FunctionType]]:
    for name, value in list(vars(module).items()):
        if isinstance(value, FunctionType):
            yield module, name, value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for inner, method in list(vars(value).items()):
                function = getattr(method, "__func__", method)
                if isinstance(function, FunctionType):
                    yield value, inner, function


def _classes(root: type) -> list[type]:
    seen: dict[int, type] = {}
    waiting: list[type] = [root]
    while waiting:
        inner: list[type] = type.__subclasses__(waiting.pop())
        for kind in inner:
            if id(kind) not in seen:
                seen[id(kind)] = kind
                waiting.append(kind)
    return list(seen.values())


def _defined_below(kind: type, folder: str) -> bool:
    module = sys.modules.get(kind.__module__)
    file = str(getattr(module, "__file__", None) or folder)
    return file.startswith(folder) and (_compares(kind) or type(kind) is not type)


def _compares(kind: type) -> bool:
    return any("__eq__" in vars(base) for base in kind.__mro__ if base not in (object, *_BUILT_IN))


def _bare(kind: type) -> Any:
    base = next((base for base in kind.__mro__ if base in _BUILT_IN), object)
    try:
        return base.__new__(kind)
    except Exception:  # boundary: whatever a class under test does when it is made
        return None


def _agrees(value: Any) -> bool:
    """Whether it equals any value that was drawn this moment, of whatever type."""
    text, number = secrets.token_hex(8), secrets.randbits(60)
    drawn = (text, number, float(number), text.encode(), (number,), [text], {text: number}, object())
    return any(_equal(value, one) for one in drawn)


def _equal(value: Any, other: Any) -> bool:
    try:
        return bool(value == other)
    except Exception:  # boundary: whatever a comparison under test raises
        return False
