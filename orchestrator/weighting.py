"""What share each environment should have: by a policy, and within the bounds that people set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Policy = Literal["fixed", "tasks", "progress"]


@dataclass(frozen=True)
class Contender:
    """What a policy looks at. `spread` is the mean within-group standard deviation of recent rewards."""

    name: str
    share: float
    tasks: int
    spread: float | None = None
    min_share: float = 0.0
    max_share: float = 1.0


@dataclass(frozen=True)
class Weighting:
    """The policy. `temperature` flattens task counts; `floor` is what an environment that teaches
    nothing keeps of its weight, in units of spread."""

    policy: Policy = "fixed"
    temperature: float = 1.0
    floor: float = 0.05


def portions(contenders: Sequence[Contender], weighting: Weighting) -> dict[str, float]:
    """Each contender's share, summing to 1 unless no weight is above 0.

    `fixed`: `share`. `tasks`: `share · tasks^(1/temperature)`, so 1 is by number and infinity is even.
    `progress`: `share · (floor + spread)`: a group whose rewards are all alike teaches nothing. Who has
    no spread yet counts as much as the best.
    """
    known = [contender.spread for contender in contenders if contender.spread is not None]
    best = max(known, default=1.0)
    weights = [_weight(contender, weighting, best) for contender in contenders]
    return dict(zip((contender.name for contender in contenders), _bounded(contenders, weights), strict=True))


def _weight(contender: Contender, weighting: Weighting, best: float) -> float:
    match weighting.policy:
        case "fixed":
            return contender.share
        case "tasks":
            return contender.share * float(contender.tasks ** (1.0 / weighting.temperature))
        case "progress":
            spread = best if contender.spread is None else contender.spread
            return contender.share * (weighting.floor + spread)


def _bounded(contenders: Sequence[Contender], weights: Sequence[float]) -> list[float]:
    """Shares `clip(scale · weight, min, max)` that sum to 1: the one scale is found by bisection.

    A weight of 0 gets 0 whatever its minimum. Bounds that cannot all hold are scaled to sum to 1.
    """
    total = sum(weights)
    if total <= 0.0:
        return [0.0] * len(weights)
    rows = [
        (weight / total, contender.min_share, contender.max_share) if weight > 0 else (0.0, 0.0, 0.0)
        for weight, contender in zip(weights, contenders, strict=True)
    ]
    least, most = sum(low for _, low, _ in rows), sum(high for *_, high in rows)
    if least >= 1.0 or most <= 1.0:
        bounds = [low if least >= 1.0 else high for _, low, high in rows]
        return [bound / sum(bounds) for bound in bounds]
    below, above = 0.0, 1.0 / min(weight for weight, *_ in rows if weight > 0)
    for _ in range(100):
        middle = (below + above) / 2
        if sum(_clip(middle, row) for row in rows) < 1.0:
            below = middle
        else:
            above = middle
    return [_clip(above, row) for row in rows]


def _clip(scale: float, row: tuple[float, float, float]) -> float:
    weight, low, high = row
    return min(high, max(low, scale * weight))
