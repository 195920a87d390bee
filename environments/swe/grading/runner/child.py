"""Runs pytest over the test files and says, phase by phase, what became of each test.

Verdicts come from the exceptions that pytest caught, not from its reports, which hooks can rewrite.
"""

import hashlib
import hmac
import importlib
import json
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

Say = Callable[..., None]
_REASON = 600


def main() -> None:
    plan = json.loads(sys.stdin.read())
    say = _voice(int(sys.argv[1]), plan.pop("key").encode())
    os.chdir(plan["workdir"])
    here = str(Path(__file__).parent)
    outside = [path for path in plan["python_path"] if path.startswith("/")]
    inside = [str(Path(plan["workdir"], path)) for path in plan["python_path"] if not path.startswith("/")]
    # The repository comes last: no file in it shadows the standard library, pytest or this runner.
    sys.path[:] = [here, *outside, *sys.path, *inside]
    os.environ.update({"PYTHONPATH": os.pathsep.join([*outside, *inside]), "PYTHONDONTWRITEBYTECODE": "1"})
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import pytest

    importlib.import_module("_pytest.legacypath")
    watch = importlib.import_module("seal")  # lies beside this file

    class Reporter:
        def __init__(self) -> None:
            self.codes: dict[str, Any] = {}

        def pytest_collection_finish(self, session: Any) -> None:
            self.codes = {item.nodeid: _code(item) for item in session.items}

        def pytest_collectreport(self, report: Any) -> None:
            if report.failed:
                say("collect", report.nodeid, "error")

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, Any]:
            report = yield
            say(call.when, item.nodeid, _status(call.excinfo, item))
            if call.excinfo is not None:
                say("why", item.nodeid, call.excinfo.exconly(tryshort=True)[:_REASON])
            if call.when == "call" and self.codes.get(item.nodeid) is not _code(item):
                say("breach", "the test was replaced", item.nodeid)
            if call.when == "teardown" and (changed := seal.broken()):
                say("breach", "the test machinery was changed", changed)
            return report

        def pytest_sessionfinish(self) -> None:
            for name in watch.equal_to_anything(plan["workdir"]):
                say("breach", "a class is equal to anything", name)

    def _status(excinfo: Any, item: Any) -> str:
        if excinfo is None:
            return "passed"
        if issubclass(excinfo.type, pytest.skip.Exception):
            return "skipped"
        expected = item.get_closest_marker("xfail") is not None or issubclass(
            excinfo.type, pytest.xfail.Exception
        )
        return "skipped" if expected else "failed"

    seal = watch.Seal(("_pytest", "pluggy", "pytest", "unittest", "hmac", "__main__"))
    say("ready")
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=append", "-o", "addopts=", "--color=no"]
    pytest.main([*options, f"--rootdir={plan['workdir']}", *plan["test_files"]], plugins=[Reporter()])
    say("end")


def _code(item: Any) -> Any:
    return getattr(getattr(item, "function", None), "__code__", None)


def _voice(pipe: int, key: bytes) -> Say:
    """Says a word with its number and signature; the key is in no variable that a frame shows."""
    signer = hmac.new(key, digestmod=hashlib.sha256)
    spoken = 0

    def say(*words: str) -> None:
        nonlocal spoken
        body = json.dumps(words)
        signature = signer.copy()
        signature.update(f"{spoken} {body}".encode())
        os.write(pipe, f"{signature.hexdigest()} {body}\n".encode())
        spoken += 1

    del key
    return say


if __name__ == "__main__":
    main()
