"""How rewards went, step by step, in each environment."""

from collections import defaultdict

from pydantic import Field
from sqlalchemy import Connection, func, select

from orchestrator.store.tables import groups
from services.contracts.words import Word


class Point(Word):
    """The mean reward of the groups of one environment that a step consumed."""

    step: int
    reward: float


class RewardCurves(Word):
    """By environment, the points in the order of their steps."""

    environments: dict[str, tuple[Point, ...]] = Field(
        description="an environment without a point is left out"
    )


def read_curves(connection: Connection, after: int) -> RewardCurves:
    """Curves over the steps later than `after`."""
    mean = func.avg(groups.c.mean_reward)
    rows = connection.execute(
        select(groups.c.environment, groups.c.step, mean)
        .where(groups.c.step > after, groups.c.mean_reward.is_not(None))
        .group_by(groups.c.environment, groups.c.step)
        .order_by(groups.c.step)
    )
    found: defaultdict[str, list[Point]] = defaultdict(list)
    for environment, step, reward in rows:
        found[environment].append(Point(step=step, reward=reward))
    return RewardCurves(environments={name: tuple(points) for name, points in sorted(found.items())})
