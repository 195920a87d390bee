"""Which containers are orphans."""

from typing import Any

import pytest

from services.sandbox.docker.reaper import LABEL, MAIN, ROLE, orphans

NOW = 1_000_000.0


def container(name: str, box: str, role: str, state: str, age: float = 1000.0) -> dict[str, Any]:
    return {"Id": name, "Labels": {LABEL: box, ROLE: role}, "State": state, "Created": NOW - age}


@pytest.mark.parametrize(
    ("state", "age", "lives"),
    [
        ("running", 1000, True),
        ("paused", 1000, True),
        ("created", 5, True),
        ("created", 120, False),
        ("exited", 5, False),
        ("dead", 5, False),
    ],
)
def test_a_box_lives_as_long_as_its_main_container(state: str, age: float, lives: bool) -> None:
    box = [container("main", "a", MAIN, state, age), container("gate", "a", "gate", "running")]
    assert [one["Id"] for one in orphans(box, NOW)] == ([] if lives else ["main", "gate"])


@pytest.mark.parametrize(
    ("role", "age", "lives"),
    [
        ("gate", 1, True),  # it comes before its main container
        ("gate", 61, False),
        ("door", 1, False),
        ("seed", 300, True),
        ("seed", 601, False),
    ],
)
def test_what_has_no_main_container_is_an_orphan_once_it_is_not_young(
    role: str, age: float, lives: bool
) -> None:
    alone = container(role, "a", role, "running", age)
    other = container("main", "b", MAIN, "running")
    assert orphans([alone, other], NOW) == ([] if lives else [alone])
