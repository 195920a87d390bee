"""How many groups may be opened now: only what can still be fresh when the learner gets to it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pipeline:
    """What lies between the engines and the learner.

    trained_version: version that the next step trains. fleet_version: oldest version that a serving
    engine holds, None without one. steps_into_version: steps done since `trained_version` began.
    waiting: groups running or sealed and not yet trained. backlog: entries in the group stream.
    """

    trained_version: int
    fleet_version: int | None
    steps_into_version: int
    waiting: int
    backlog: int


@dataclass(frozen=True)
class Pace:
    """How the learner consumes groups, and how old they may be."""

    groups_per_step: int
    steps_per_version: int
    max_staleness: int
    stream_capacity: int


@dataclass(frozen=True)
class Verdict:
    """Groups that may be opened now, and in one word what limits them."""

    groups: int
    limit: str


def allowance(pipeline: Pipeline, pace: Pace) -> Verdict:
    """How many groups may be opened.

    A version consumes G = groups_per_step · steps_per_version groups; c of the current one's are
    consumed. With n groups ahead of it, a group opened now is trained at version
    `trained_version + (c + n) // G`, and was sampled from `fleet_version` or newer. So as long as
    `c + n < (max_staleness + 1 − lag) · G`, it is fresh if groups are trained oldest first.
    """
    if pipeline.fleet_version is None:
        return Verdict(0, "engines")
    if pipeline.backlog >= pace.stream_capacity:
        return Verdict(0, "stream")
    per_version = pace.groups_per_step * pace.steps_per_version
    lag = max(0, pipeline.trained_version - pipeline.fleet_version)
    consumed = min(pipeline.steps_into_version * pace.groups_per_step, per_version)
    budget = (pace.max_staleness + 1 - lag) * per_version - consumed - pipeline.waiting
    return Verdict(max(0, budget), "staleness" if budget <= 0 else "none")


def fresh(oldest_version: int, trained_version: int, max_staleness: int) -> bool:
    """Whether tokens sampled at `oldest_version` may be trained at `trained_version`."""
    return trained_version - oldest_version <= max_staleness
