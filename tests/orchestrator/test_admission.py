"""Admission: what is trained was fresh, and nothing stands still that could go on."""

from collections import deque
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.admission import Pace, Pipeline, Verdict, allowance, fresh

paces = st.builds(
    Pace,
    groups_per_step=st.integers(1, 6),
    steps_per_version=st.integers(1, 3),
    max_staleness=st.integers(0, 4),
    stream_capacity=st.just(10_000),
)


@given(paces, st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_groups_trained_in_order_are_never_too_stale_and_training_never_starves(
    pace: Pace, seed: int
) -> None:
    """A random schedule of opening, ending, training and engine updates; groups end in order."""
    random = Random(seed)
    trained = fleet = steps_into = 0
    running: deque[int] = deque()
    sealed: deque[int] = deque()
    steps = 0
    while steps < 60:
        pipeline = Pipeline(trained, fleet, steps_into, len(running) + len(sealed), len(sealed))
        may_open = allowance(pipeline, pace).groups
        can_train = len(sealed) >= pace.groups_per_step
        assert may_open or running or can_train or fleet < trained, "nothing can go on"
        action = random.choice(("open", "open", "end", "train", "update"))
        if action == "open" and may_open:
            running.append(fleet)
        elif action == "end" and running:
            sealed.append(running.popleft())
        elif action == "train" and can_train:
            for _ in range(pace.groups_per_step):
                assert fresh(sealed.popleft(), trained, pace.max_staleness)
            steps, steps_into = steps + 1, steps_into + 1
            if steps_into == pace.steps_per_version:
                trained, steps_into = trained + 1, 0
        elif action == "update":
            fleet = trained


def test_what_limits_admission_is_said() -> None:
    pace = Pace(groups_per_step=4, steps_per_version=2, max_staleness=1, stream_capacity=6)
    assert allowance(Pipeline(0, 0, 0, 0, 0), pace) == Verdict(16, "none")
    assert allowance(Pipeline(3, 3, 1, 5, 5), pace) == Verdict(7, "none")
    assert allowance(Pipeline(3, 2, 0, 0, 0), pace) == Verdict(8, "none")
    assert allowance(Pipeline(3, 3, 0, 16, 5), pace) == Verdict(0, "staleness")
    assert allowance(Pipeline(3, 3, 0, 6, 6), pace) == Verdict(0, "stream")
    assert allowance(Pipeline(3, None, 0, 0, 0), pace) == Verdict(0, "engines")
