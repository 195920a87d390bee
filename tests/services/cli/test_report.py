"""What a report says of several environments, from what the orchestrator says of each."""

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.cli.evaluations import divided, together
from services.cli.plot import running_mean
from services.cli.report import reward_curves


def evaluation(name: str, valid: int, mean: float | None) -> dict[str, Any]:
    return {
        "evaluation_id": f"id-{name}",
        "environment": name,
        "split": "evaluation",
        "state": "finished",
        "rollouts": 8,
        "completed": 8,
        "valid": valid,
        "mean_reward": mean,
        "failed_by_cause": {"sandbox": 8 - valid},
        "started_at": 5.0,
    }


def test_the_mean_over_all_is_over_rollouts_not_over_environments() -> None:
    whole = together(
        {"a": evaluation("a", 6, 0.5), "b": evaluation("b", 2, 1.0), "c": evaluation("c", 0, None)}
    )
    assert whole["mean_reward"] == 5 / 8
    assert (whole["rollouts"], whole["completed"], whole["valid"]) == (24, 24, 8)
    assert whole["failed_by_cause"] == {"sandbox": 16}
    assert (whole["environment"], whole["state"]) == ("a,b,c", "finished")


def test_an_evaluation_without_a_reward_has_no_mean() -> None:
    assert together({"a": evaluation("a", 0, None)})["mean_reward"] is None


@given(
    st.integers(1, 500),
    st.dictionaries(st.text(min_size=1), st.floats(0.01, 1.0), min_size=1, max_size=6),
)
def test_rollouts_are_divided_by_share_and_nobody_goes_without(
    rollouts: int, shares: dict[str, float]
) -> None:
    parts, rest = divided(rollouts, shares), max(rollouts - len(shares), 0)
    assert list(parts) == list(shares)
    assert sum(parts.values()) == max(rollouts, len(shares))
    for name, share in shares.items():
        assert abs(parts[name] - 1 - rest * share / sum(shares.values())) < 1 + 1e-9


def test_a_curve_has_an_entry_for_each_step() -> None:
    groups: list[dict[str, Any]] = [
        {"environment": "a", "step": 1, "mean_reward": 0.25},
        {"environment": "a", "step": 1, "mean_reward": 0.75},
        {"environment": "b", "step": 3, "mean_reward": 1.0},
        {"environment": "b", "step": None, "mean_reward": 0.0},  # was never consumed
    ]
    assert reward_curves(groups, 3) == {"a": [0.5, None, None], "b": [None, None, 1.0]}


def test_a_running_mean_passes_over_what_is_missing() -> None:
    mean = running_mean([None, 1.0, None, 0.0, 0.5], window=2)
    assert math.isnan(mean[0])
    assert mean[1:] == [1.0, 1.0, 0.0, 0.25]
