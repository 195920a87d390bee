"""Evaluations of several environments as one: how many rollouts each gets, and what all came to."""

from collections import Counter
from collections.abc import Mapping, Sequence

from services.cli.client import Json


def divided(rollouts: int, names: Sequence[str]) -> dict[str, int]:
    """As many rollouts for each, the first ones taking what is over; at least one."""
    each, over = divmod(rollouts, len(names))
    return {name: max(each + (place < over), 1) for place, name in enumerate(names)}


def together(evaluations: Mapping[str, Json]) -> Json:
    """One evaluation that stands for all: counts are sums, the mean is over all valid rollouts."""
    found = list(evaluations.values())
    failed: Counter[str] = Counter()
    for one in found:
        failed.update(one["failed_by_cause"])
    valid = sum(one["valid"] for one in found)
    total = sum(one["mean_reward"] * one["valid"] for one in found if one["valid"])
    return {
        "evaluation_id": ",".join(one["evaluation_id"] for one in found),
        "environment": ",".join(evaluations),
        "split": found[0]["split"],
        "state": "finished" if all(one["state"] == "finished" for one in found) else "running",
        "rollouts": sum(one["rollouts"] for one in found),
        "completed": sum(one["completed"] for one in found),
        "valid": valid,
        "mean_reward": total / valid if valid else None,
        "failed_by_cause": dict(failed),
        "started_at": min(one["started_at"] for one in found),
    }
