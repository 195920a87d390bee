"""Runs pytest over the test files and says, phase by phase, what became of each test.

Verdicts come from the exceptions that pytest caught, not from its reports, which hooks can rewrite. No
frame, no class and no module here holds the key or a way to it: the words go through `guard`.
"""

import ctypes
import importlib
import json
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import CodeType
from typing import Any

_REASON = 600
_SAY = "podium.say"
_NOT_DUMPABLE = (4, 0)  # prctl(PR_SET_DUMPABLE, 0): nor can we open our own memory, by whatever path


def say(*words: str, audit: Callable[..., None] = sys.audit) -> None:
    audit(_SAY, *words)


def main() -> None:
    ctypes.CDLL(None).prctl(*_NOT_DUMPABLE, 0, 0, 0)
    plan = json.loads(_told())
    os.chdir(plan["workdir"])
    _set_paths(plan)
    pytest: Any = importlib.import_module("pytest")
    for name in ("legacypath", *importlib.import_module("_pytest.config").default_plugins):
        importlib.import_module(f"_pytest.{name}")
    watch, whole = importlib.import_module("seal"), importlib.import_module("whole")  # lie beside this file
    plugin = whole.whole_tests(pytest)
    _guard(plan)
    say("ready")
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=append", "-o", "addopts=", "--color=no"]
    options += [*whole.WITHOUT, f"--rootdir={plan['workdir']}", *plan["test_files"]]
    reporter = Reporter(pytest, watch, plan["workdir"])
    pytest.main(options, plugins=[reporter, plugin])
    say("end")


class Reporter:
    def __init__(self, pytest: Any, watch: Any, workdir: str) -> None:
        self.pytest, self.watch, self.workdir = pytest, watch, workdir
        self.codes: dict[str, Any] = {}
        self.seal = watch.Seal(("_pytest", "pluggy", "pytest", "unittest", "seal", "__main__"))
        self.hooks: Any = None

    def pytest_collection_finish(self, session: Any) -> None:
        self.codes = {item.nodeid: _code(item) for item in session.items}
        self.hooks = self.watch.Hooks(session.config.pluginmanager)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            say("collect", report.nodeid, "error")

    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, Any]:
        report = yield
        say(call.when, item.nodeid, _status(self.pytest, call.excinfo, item))
        if call.excinfo is not None:
            say("why", item.nodeid, str(call.excinfo.exconly(tryshort=True))[:_REASON])
        if call.when == "call" and self.codes.get(item.nodeid) is not _code(item):
            say("breach", "the test was replaced", item.nodeid)
        if call.when == "teardown" and (
            changed := self.seal.broken() or self.hooks.broken() or self.watch.overridden(item)
        ):
            say("breach", "the test machinery was changed", changed)
        return report

    def pytest_sessionfinish(self) -> None:
        for name in self.watch.equal_to_anything(self.workdir):
            say("breach", "a class is equal to anything", name)


def _guard(plan: Any) -> None:
    """The key goes to the guard and nowhere else; the modules that know it are forgotten."""
    importlib.import_module("pytest").hookimpl(wrapper=True, tryfirst=True)(
        Reporter.pytest_runtest_makereport
    )
    guard, trust = importlib.import_module("guard"), importlib.import_module("trust")
    multicall = importlib.import_module("pluggy._callers")._multicall.__code__
    trusted = trust.trust_of(plan["workdir"], plan["changed"])
    guard.stand(int(sys.argv[1]), plan.pop("key").encode(), trusted, _voices(), multicall)
    del sys.modules["guard"], sys.modules["trust"]


def _voices() -> tuple[CodeType, ...]:
    """Who says words: the first for the others, the last on its own account."""
    hooks = (method for name, method in vars(Reporter).items() if name.startswith("pytest_"))
    return (say.__code__, *(method.__code__ for method in hooks), main.__code__)


def _told() -> bytes:
    """Standard input, without Python's buffers."""
    parts: list[bytes] = []
    while part := os.read(0, 65536):
        parts.append(part)
    return b"".join(parts)


def _set_paths(plan: Any) -> None:
    here = str(Path(__file__).parent)
    outside = [path for path in plan["python_path"] if path.startswith("/")]
    inside = [str(Path(plan["workdir"], path)) for path in plan["python_path"] if not path.startswith("/")]
    # The repository comes last: no file in it shadows the standard library, pytest or this runner.
    sys.path[:] = [here, *outside, *sys.path, *inside]
    os.environ.update({"PYTHONPATH": os.pathsep.join([*outside, *inside]), "PYTHONDONTWRITEBYTECODE": "1"})
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"


def _status(pytest: Any, excinfo: Any, item: Any) -> str:
    if excinfo is None:
        return "passed"
    if issubclass(excinfo.type, pytest.skip.Exception):
        return "skipped"
    expected = item.get_closest_marker("xfail") is not None or issubclass(
        excinfo.type, pytest.xfail.Exception
    )
    return "skipped" if expected else "failed"


def _code(item: Any) -> Any:
    return getattr(getattr(item, "function", None), "__code__", None)


if __name__ == "__main__":
    main()
