"""Group-relative advantages, by hand."""

import pytest

from learner.advantages import group_advantages, has_variance


def test_advantages_are_rewards_less_their_mean() -> None:
    assert group_advantages([1.0, 0.0, 0.0, 0.0]) == [0.75, -0.25, -0.25, -0.25]


def test_grpo_divides_by_the_deviation() -> None:
    assert group_advantages([1.0, 0.0], normalise_std=True) == [1.0, -1.0]
    assert group_advantages([1.0, 1.0], normalise_std=True) == [0.0, 0.0]


@pytest.mark.parametrize(("rewards", "varied"), [([0.3, 0.3], False), ([0.3, 0.30001], True), ([1.0], False)])
def test_variance(rewards: list[float], varied: bool) -> None:
    assert has_variance(rewards) is varied
