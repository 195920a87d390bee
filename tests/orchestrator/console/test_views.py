"""What pages draw, worked out without a page."""

import math
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.console.views.branches import Fork, tree
from orchestrator.console.views.chart import HEIGHT, WIDTH, chart
from orchestrator.console.views.timeline import WIDTH as LENGTH
from orchestrator.console.views.timeline import timeline
from orchestrator.console.views.tokens import PROBABILITIES, probability_class
from orchestrator.console.views.turns import turns
from orchestrator.console.words import visible
from orchestrator.reading import RolloutDetail
from orchestrator.sealing import CallSummary


def call(index: int, parent: int | None, **changes: Any) -> CallSummary:
    values: dict[str, Any] = {
        "call_id": str(index),
        "index": index,
        "branch": 0,
        "parent": None if parent is None else str(parent),
        "prompt_tokens": 10,
        "sampled_tokens": 5,
        "versions": ((0, 0, 5),),
        "engine": "e",
        "temperature": 1.0,
        "finish_reason": "stop",
        "seconds": 1.0,
        "cached_tokens": 0,
        **changes,
    }
    return CallSummary(**values)


def rollout(calls: list[CallSummary], **changes: Any) -> RolloutDetail:
    told = ("reward", "cause", "error", "turns", "seconds", "sampled_tokens", "oldest_version")
    values: dict[str, Any] = {
        **dict.fromkeys((*told, "newest_version", "repeats", "components", "records", "digest")),
        "rollout_id": "r",
        "group_id": "g",
        "environment": "e",
        "purpose": "train",
        "slot": 0,
        "attempt": 1,
        "state": "sealed",
        "opened_at": 100.0,
        "started_at": 102.0,
        "ended_at": 110.0,
        "split": "train",
        "task_index": 0,
        "attempts": (),
        "messages": (),
        "tools": (),
        "calls": tuple(calls),
        **changes,
    }
    return RolloutDetail(**values)


def test_calls_in_a_row_are_one_run_and_forks_part_them() -> None:
    (root,) = tree([call(0, None), call(1, 0), call(2, 1), call(3, 1), call(4, 3)])
    assert [one.index for one in root.calls] == [0, 1]
    assert [[one.index for one in child.calls] for child in root.children] == [[2], [3, 4]]
    assert root.sampled_tokens == 10


@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=30))
def test_every_call_stands_in_the_tree_once(parents: list[int | None]) -> None:
    calls = [
        call(index, parent if parent is not None and parent < index else None)
        for index, parent in enumerate(parents)
    ]

    def flat(forks: tuple[Fork, ...]) -> list[int]:
        return [one.index for fork in forks for one in fork.calls] + [
            index for fork in forks for index in flat(fork.children)
        ]

    assert sorted(flat(tree(calls))) == list(range(len(calls)))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=900))
def test_a_curve_stays_within_its_picture(values: list[float]) -> None:
    drawn = chart("c", {"a": [(float(step), value) for step, value in enumerate(values)], "empty": []})
    assert bool(drawn.lines) == any(math.isfinite(value) for value in values)
    for line in drawn.lines:
        places = [tuple(map(float, point.split(","))) for point in line.points.split()]
        assert len(places) <= 450
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


def test_times_are_accounted_for_once() -> None:
    calls = [call(0, None, started_at=103.0, seconds=2.0), call(1, 0, started_at=106.0, seconds=3.0)]
    span = {"tool": "bash", "started_at": 105.5, "seconds": 0.5}
    attempt = {
        **dict.fromkeys(("reported_cause", "reward", "error", "turns", "seconds", "components")),
        **dict.fromkeys(("labels", "artifacts")),
        "attempt": 1,
        "cause": "completed",
        "retried": False,
        "ended_at": 110.0,
        "details": {"spans": [span, {"tool": None}, 7]},
    }
    found = timeline(rollout(calls, attempts=[attempt]))
    assert dict(found.totals) == {"waits": 2.0, "model": 5.0, "tools": 0.5, "agent and scoring": 2.5}
    assert found.seconds == 10.0
    after_start = sorted(span.x for span in found.spans if span.lane)
    assert all(left <= right for left, right in pairwise(after_start))
    assert max(span.x + span.width for span in found.spans) <= LENGTH + 1


def test_long_rollouts_are_read_in_pages_that_lose_no_turn() -> None:
    detail = rollout([call(index, index - 1 if index else None, prompt_tokens=3_000) for index in range(30)])
    seen: list[int] = []
    first: int | None = 0
    while first is not None:
        page = turns(detail, first, trained=True)
        seen += [turn.call.index for turn in page.turns]
        first = page.after
    assert seen == list(range(30))
    assert turns(detail, 29, trained=True).before is not None


def test_log_probs_fall_into_classes_and_hidden_characters_are_shown() -> None:
    assert [probability_class(math.log(p)) for p in (1.0, 0.95, 0.5, 0.05)] == [0, 1, 3, 5]
    assert probability_class(-1e9) == len(PROBABILITIES) - 1
    assert visible("a\u202eb\x1bc\nd\te") == "a⟨202E⟩b⟨001B⟩c\nd\te"
