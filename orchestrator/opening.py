"""Opening a group: its rollouts, the drawn task and what its environment pays, in one commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from orchestrator.balance import Account
from orchestrator.changes import GroupOpened, OpenedRollout
from orchestrator.lifecycle import GroupState, RolloutState
from orchestrator.store.tables import cursors, environments, groups, rollouts
from orchestrator.tasks import Curriculum, Cursor, draw
from services.contracts.environment import Sampling, TaskRef
from services.contracts.words import Purpose, new_id

_MOST_SKIPPED = 64  # one opening does not search a whole split
_LAST_REWARD = (
    select(groups.c.mean_reward)
    .where(
        groups.c.environment == bindparam("environment"),
        groups.c.split == bindparam("split"),
        groups.c.task_index == bindparam("index"),
        groups.c.mean_reward.is_not(None),
        groups.c.purpose == "train",
    )
    .order_by(groups.c.seq.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Draw:
    """From where a training group's task is drawn, and who pays for it."""

    seed: int
    environment: str
    split: str
    tasks: int
    size: int
    accounts: Sequence[Account]
    cost: float = 1.0
    extra: int = 0
    curriculum: Curriculum | None = None


@dataclass(frozen=True)
class Plan:
    """A group to open, with `extra` rollouts beyond its size."""

    environment: str
    task: TaskRef
    size: int
    extra: int = 0
    cost: float = 1.0
    purpose: Purpose = "train"
    evaluation_id: str | None = None
    sampling: Sampling | None = None


def open_all(connection: Connection, draws: Sequence[Draw], now: float) -> tuple[GroupOpened, ...]:
    """Open several groups, each after what the one before was charged."""
    return tuple(opened for drawn in draws for opened in open_drawn(connection, drawn, now))


def open_drawn(connection: Connection, drawn: Draw, now: float) -> tuple[GroupOpened]:
    """Open a group on the next task of a split. The task is not drawn again in this epoch."""
    here = (cursors.c.environment == drawn.environment, cursors.c.split == drawn.split)
    row = connection.execute(select(cursors.c.epoch, cursors.c.position).where(*here)).one_or_none()
    before = Cursor() if row is None else Cursor(row.epoch, row.position)
    index, after = _drawn(connection, drawn, before)
    if row is None:
        key = {"environment": drawn.environment, "split": drawn.split}
        connection.execute(insert(cursors).values(**key, **vars(after)))
    else:
        connection.execute(update(cursors).where(*here).values(**vars(after)))
    for account in drawn.accounts:
        paid = update(environments).where(environments.c.name == account.name)
        connection.execute(paid.values(credit=account.credit))
    task = TaskRef(split=drawn.split, index=index)
    plan = Plan(drawn.environment, task, drawn.size, drawn.extra, drawn.cost)
    return (open_group(connection, plan, now),)


def _drawn(connection: Connection, drawn: Draw, before: Cursor) -> tuple[int, Cursor]:
    """The next task; with a curriculum the next that is worth it, after at most so many that are not."""
    seed = (drawn.seed, drawn.environment, drawn.split, drawn.tasks)
    index, after = draw(*seed, before)
    for _ in range(min(_MOST_SKIPPED, drawn.tasks) if drawn.curriculum else 0):
        assert drawn.curriculum is not None
        last = connection.execute(
            _LAST_REWARD, {"environment": drawn.environment, "split": drawn.split, "index": index}
        ).scalar_one_or_none()
        if drawn.curriculum.worth(last, after.epoch):
            break
        index, after = draw(*seed, after)
    return index, after


def open_group(connection: Connection, plan: Plan, now: float) -> GroupOpened:
    """Put a group and its rollouts on the record, ready to be sent."""
    group_id = new_id()
    slots = tuple(OpenedRollout(new_id(), group_id, slot) for slot in range(plan.size + plan.extra))
    connection.execute(
        insert(groups).values(
            group_id=group_id,
            environment=plan.environment,
            split=plan.task.split,
            task_index=plan.task.index,
            purpose=plan.purpose,
            evaluation_id=plan.evaluation_id,
            size=plan.size,
            state=GroupState.OPEN,
            opened_at=now,
            cost=plan.cost,
        )
    )
    connection.execute(
        insert(rollouts),
        [
            {
                "rollout_id": slot.rollout_id,
                "group_id": group_id,
                "environment": plan.environment,
                "purpose": plan.purpose,
                "slot": slot.slot,
                "attempt": slot.attempt,
                "state": RolloutState.QUEUED,
                "opened_at": now,
            }
            for slot in slots
        ],
    )
    return GroupOpened(
        group_id, plan.environment, plan.task, plan.purpose, plan.sampling, slots, cost=plan.cost
    )
