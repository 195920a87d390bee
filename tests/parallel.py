"""How tests are dealt to parallel workers: a file stays whole, and what takes longest is started first."""

import pytest

_LONGEST_FIRST = ("tests/e2e/", "tests/bench/", "tests/learner/", "tests/environments/slides/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one group share a worker, and so its servers; SGLang starts too slowly to be started twice."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_rank)


def _group(item: pytest.Item) -> str:
    if item.get_closest_marker("sglang"):
        return "sglang"
    return item.nodeid.partition("::")[0]


def _rank(item: pytest.Item) -> int:
    if item.get_closest_marker("sglang"):
        return 0
    for rank, folder in enumerate(_LONGEST_FIRST, 1):
        if item.nodeid.startswith(folder):
            return rank
    return len(_LONGEST_FIRST) + 1
