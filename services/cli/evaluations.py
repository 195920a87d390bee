"""Evaluations of several environments as one: how many rollouts each gets, and what all came to."""

import math
from collections import Counter
from collections.abc import Mapping

from services.cli.client import Json


def divided(rollouts: int, shares: Mapping[str, float]) -> dict[str, int]:
    """One for each environment, and the rest by its share: the mean is that of what is trained on."""
    rest = max(rollouts - len(shares), 0)
    exact = {name: rest * share / math.fsum(shares.values()) for name, share in shares.items()}
    given = {name: int(part) for name, part in exact.items()}
    nearest = sorted(shares, key=lambda name: given[name] - exact[name])
    for name in nearest[: rest - sum(given.values())]:
        given[name] += 1
    return {name: 1 + part for name, part in given.items()}


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
