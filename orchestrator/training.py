"""What the learner has reported: steps, versions, metrics and verdicts on groups."""

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from orchestrator.changes import Changes, GroupMoved
from orchestrator.lifecycle import GroupState, advance_group
from orchestrator.store.tables import groups, outbox, steps
from services.contracts.step import GroupVerdict, StepReport


class Training:
    """How far the learner is. `weight_version` is the one that its next step trains."""

    def __init__(self) -> None:
        self.step = 0
        self.weight_version = 0
        self.metrics: dict[str, float] = {}
        self.tito_turns = 0
        self.tito_breaks = 0
        self._began_at_step = 0

    @property
    def steps_into_version(self) -> int:
        """Steps done since `weight_version` began."""
        return max(0, self.step - self._began_at_step)

    def load(self, connection: Connection) -> None:
        """Take over the record: totals over all steps, and where the newest one stands."""
        newest = connection.execute(select(steps).order_by(steps.c.step.desc()).limit(1)).one_or_none()
        if newest is None:
            return
        self.step, self.metrics = newest.step, newest.metrics
        self.weight_version = newest.weight_version
        self.tito_turns, self.tito_breaks = connection.execute(
            select(func.sum(steps.c.tito_turns), func.sum(steps.c.tito_breaks))
        ).one()
        self._began_at_step = _first_step(connection, self.weight_version)

    def announced(self, version: int) -> None:
        """Weights were published; the report of their step may come a moment later."""
        if version > self.weight_version:
            self.weight_version, self._began_at_step = version, self.step

    def reported(self, report: StepReport, turns: int, breaks: int) -> None:
        """A step is on the record; all steps together had `turns` model calls and `breaks`."""
        self.tito_turns, self.tito_breaks = turns, breaks
        self.step, self.metrics = max(self.step, report.step), report.metrics
        if report.weight_version > self.weight_version:
            self.weight_version, self._began_at_step = report.weight_version, report.step
        elif report.weight_version == self.weight_version:
            self._began_at_step = min(self._began_at_step, report.step)


def record_step(connection: Connection, report: StepReport) -> Changes:
    """Put a step and its verdicts on the record; the same report again changes nothing."""
    values: dict[str, Any] = {
        "weight_version": report.weight_version,
        "groups": [verdict.model_dump() for verdict in report.groups],
        "metrics": report.metrics,
        "tito_turns": report.tito_turns,
        "tito_breaks": report.tito_breaks,
        "finished_at": report.finished_at,
    }
    if connection.execute(update(steps).where(steps.c.step == report.step).values(**values)).rowcount == 0:
        connection.execute(insert(steps).values(step=report.step, **values))
    moved = (_judged(connection, verdict, report) for verdict in report.groups)
    return tuple(change for change in moved if change is not None)


def tito_totals(connection: Connection) -> tuple[int, int]:
    """Model calls and breaks over all steps."""
    total = func.coalesce(func.sum(steps.c.tito_turns), 0), func.coalesce(func.sum(steps.c.tito_breaks), 0)
    turns, breaks = connection.execute(select(*total)).one()
    return turns, breaks


def _judged(connection: Connection, verdict: GroupVerdict, report: StepReport) -> GroupMoved | None:
    trained = verdict.verdict == "trained"
    to = GroupState.TRAINED if trained else GroupState.DROPPED
    reason = None if trained else verdict.verdict
    moved = advance_group(
        connection,
        verdict.group_id,
        to,
        reason=reason,
        step=report.step,
        staleness=verdict.staleness,
        ended_at=report.finished_at,
    )
    if not moved:
        return None
    connection.execute(delete(outbox).where(outbox.c.group_id == verdict.group_id))
    group = connection.execute(
        select(groups.c.environment, groups.c.purpose, groups.c.cost, groups.c.sampled_tokens).where(
            groups.c.group_id == verdict.group_id
        )
    ).one()
    return GroupMoved(
        group_id=verdict.group_id,
        environment=group.environment,
        purpose=group.purpose,
        state=to,
        reason=reason,
        staleness=verdict.staleness,
        cost=group.cost,
        sampled_tokens=group.sampled_tokens,
    )


def _first_step(connection: Connection, version: int) -> int:
    """The step whose report began `version`: 0 for the version that training starts from."""
    if version == 0:
        return 0
    began = select(func.min(steps.c.step)).where(steps.c.weight_version == version)
    return int(connection.execute(began).scalar_one())
