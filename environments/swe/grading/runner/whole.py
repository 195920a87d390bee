"""A subtest that fails fails its test, as without pytest's own support for subtests.

That support tells each subtest's verdict from inside the test, with code under test on the stack, where
nobody is listened to.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WITHOUT = ("-p", "no:subtests")


class Subtests:
    @contextmanager
    def test(self, msg: str | None = None, **parameters: object) -> Iterator[None]:
        yield


def whole_tests(pytest: Any) -> Any:
    """A plugin for tests that ask for `subtests`. Those of unittest are whole from now on."""
    case = importlib.import_module("_pytest.unittest").TestCaseFunction
    if hasattr(case, "addSubTest"):  # unittest asks for it
        del case.addSubTest
    return type("WholeTests", (), {"subtests": pytest.fixture(_subtests)})()


def _subtests(_: object) -> Subtests:
    return Subtests()
