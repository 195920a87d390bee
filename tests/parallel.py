"""How tests are dealt to parallel workers: a file stays whole, and what takes longest is started first."""

import pytest
from xdist.scheduler import LoadScopeScheduling

_LONGEST_FIRST = ("tests/e2e/", "tests/bench/", "tests/learner/", "tests/environments/slides/")


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Not xdist's own `loadgroup`, which finds no groups with pytest 9.2."""
    dealing = LoadScopeScheduling(config, log)
    dealing._split_scope = _group
    return dealing


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)


def _group(nodeid: str) -> str:
    """Tests of one group share a worker, and so its servers; SGLang starts too slowly to be started twice."""
    file, _, name = nodeid.partition("::")
    return "sglang" if "sglang" in name.partition("[")[2] else file


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("sglang"):
        return 0
    for rank, folder in enumerate(_LONGEST_FIRST, 1):
        if item.nodeid.startswith(folder):
            return rank
    return len(_LONGEST_FIRST) + 1
