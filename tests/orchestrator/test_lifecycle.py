"""Whatever happens to the attempts of a group: every slot ends once, and no failure is a reward."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, func, select

from orchestrator.attempts import Ending, Fenced, Rules, accept, fail, report, score
from orchestrator.board import Board
from orchestrator.cancel import cancel_rollout
from orchestrator.changes import Changes
from orchestrator.completion import Freshness
from orchestrator.ledger import Ledger
from orchestrator.lifecycle import (
    ENDED_GROUP,
    ENDED_ROLLOUT,
    ROLLOUT_MOVES,
    GroupState,
    RolloutState,
    advance,
)
from orchestrator.opening import Plan, open_group
from orchestrator.sealing import Score
from orchestrator.store.tables import attempts, groups, metadata, outbox, rollouts
from services.contracts.cause import Cause
from services.contracts.environment import TaskRef
from services.contracts.outcome import Outcome
from services.contracts.sealed_group import SealedGroup
from services.kit.failure import Conflict

SIZE = 4
FRESHNESS = Freshness(trained_version=3, max_staleness=2)
RULES = Rules(now=1.0, max_attempts=3, freshness=FRESHNESS)

causes = st.sampled_from([*Cause])
actions = st.one_of(
    st.tuples(st.just("report"), causes, st.booleans()),
    st.tuples(st.just("lease"), st.just(Cause.LOST), st.booleans()),
    st.tuples(st.just("records"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("no records"), st.just(Cause.LOST), st.booleans()),
    st.tuples(st.just("accept"), st.just(Cause.LOST), st.booleans()),
    st.tuples(st.just("cancel"), st.just(Cause.CANCELLED), st.booleans()),
)


@cache
def database() -> Engine:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    return engine


@contextmanager
def record() -> Iterator[Connection]:
    """An empty record; nothing of it stays."""
    with database().connect() as connection:
        yield connection
        connection.rollback()


def outcome(rollout_id: str, attempt: int, cause: Cause, reward: float = 1.0) -> Outcome:
    given_reward = reward if cause.reward_valid else None
    return Outcome(rollout_id=rollout_id, attempt=attempt, cause=cause, reward=given_reward)


def scored(version: int) -> Score:
    return Score(version, version, 3, 1, "d" * 32, (), (), ())


def act(connection: Connection, rollout_id: str, action: tuple[object, ...]) -> Changes:
    """Do one thing to a rollout, by its newest attempt or, if late, by the one before."""
    what, detail, late = action
    row = connection.execute(select(rollouts).where(rollouts.c.rollout_id == rollout_id)).one()
    attempt = max(1, row.attempt - 1) if late else row.attempt
    match what:
        case "report":
            assert isinstance(detail, Cause)
            return report(connection, outcome(rollout_id, attempt, detail), RULES)
        case "records":
            assert isinstance(detail, int)
            return score(connection, rollout_id, attempt, scored(detail), RULES)
        case "accept":
            return accept(connection, rollout_id, attempt, 1.0)
        case "cancel":
            return cancel_rollout(connection, rollout_id, RULES)
    return fail(connection, rollout_id, attempt, Ending(Cause.LOST, "gone"), RULES)


@given(
    st.lists(st.tuples(st.integers(0, SIZE + 1), actions), max_size=40),
    st.lists(st.booleans(), min_size=SIZE + 2, max_size=SIZE + 2),
    st.integers(0, 2),
)
@settings(max_examples=40, deadline=None)
def test_no_invalid_reward_is_sealed_every_slot_ends_and_the_counts_add_up(
    story: list[tuple[int, tuple[object, ...]]], succeeds: list[bool], extra: int
) -> None:
    """With over-sampling too: whatever is left of a group when its fate is sealed ends as well."""
    board, ledger = Board(), Ledger()

    def tell(changes: Changes) -> None:
        for change in changes:
            ledger.apply(change)
            board.apply(change)

    with record() as connection:
        opened = open_group(connection, Plan("e", TaskRef(split="train", index=0), SIZE, extra), 0.0)
        tell((opened,))
        ids = [slot.rollout_id for slot in opened.rollouts]
        ended: dict[str, tuple[str, str | None]] = {}
        for slot, action in story:
            with suppress(Conflict):  # a late writer, refused
                tell(act(connection, ids[slot % len(ids)], action))
            _check_counts(connection, board, ledger, ended)
        for rollout_id, success in zip(ids, succeeds, strict=False):
            while rollout_id in board.rollouts and board.rollouts[rollout_id].state != RolloutState.SCORED:
                reported = board.rollouts[rollout_id].state == RolloutState.REPORTED
                last = ("report", Cause.COMPLETED, False) if success else ("lease", Cause.LOST, False)
                tell(act(connection, rollout_id, ("records", 2, False) if reported else last))
        _check_counts(connection, board, ledger, ended)
        assert not board.rollouts
        _check_recount(connection, ledger)
        _check_causes(connection)
        _check_group(connection, opened.group_id)


def _check_counts(
    connection: Connection, board: Board, ledger: Ledger, ended: dict[str, tuple[str, str | None]]
) -> None:
    """Admitted = ended + live; what has ended never changes; live state and counts follow the record."""
    rows = connection.execute(select(rollouts)).all()
    for row in rows:
        if row.rollout_id in ended:
            assert ended[row.rollout_id] == (row.state, row.cause)
        if row.state in ENDED_ROLLOUT:
            ended[row.rollout_id] = (row.state, row.cause)
        else:
            assert board.rollouts[row.rollout_id].state == row.state
            assert board.rollouts[row.rollout_id].attempt == row.attempt
        assert row.reward is None or Cause(row.cause).reward_valid
    assert len(rows) == len(ended) + len(board.rollouts)
    assert SIZE <= len(rows) <= SIZE + 2
    tally = ledger.tallies["e"]
    assert tally.admitted_rollouts == tally.sealed_rollouts + tally.failed.total() + len(board.rollouts)


def _check_causes(connection: Connection) -> None:
    """Every failure is on the record with an error, as the end of its rollout and as that of its attempt."""
    for row in connection.execute(select(rollouts).where(rollouts.c.state == RolloutState.FAILED)):
        assert row.error
        assert not Cause(row.cause).reward_valid
        kept = select(attempts).where(attempts.c.rollout_id == row.rollout_id)
        last = connection.execute(kept.where(attempts.c.attempt == row.attempt)).one_or_none()
        assert row.cause == Cause.STALE or (last and (last.cause, last.error) == (row.cause, row.error))


def _check_recount(connection: Connection, ledger: Ledger) -> None:
    """After a restart the counts are the same."""
    recounted = Ledger()
    recounted.load(connection)
    again, tally = recounted.tallies["e"], ledger.tallies["e"]
    for name in (
        "groups",
        "dropped",
        "admitted_groups",
        "sealed_rollouts",
        "failed",
        "retried",
        "no_variance",
    ):
        assert getattr(again, name) == getattr(tally, name), name


def _check_group(connection: Connection, group_id: str) -> None:
    group = connection.execute(select(groups).where(groups.c.group_id == group_id)).one()
    sealed = connection.execute(
        select(rollouts).where(rollouts.c.state == RolloutState.SEALED, rollouts.c.repeats > 0)
    ).all()
    sent = connection.execute(select(func.count()).select_from(outbox)).scalar_one()
    if 2 * len(sealed) <= SIZE:
        assert group.state == GroupState.DROPPED
        assert group.payload is None
        assert sent == 0
        return
    assert (group.state, sent) == (GroupState.SEALED, 1)
    payload = msgspec.msgpack.decode(group.payload, type=SealedGroup).checked()
    assert len(sealed) <= SIZE
    assert {rollout.rollout_id for rollout in payload.rollouts} == {row.rollout_id for row in sealed}
    assert sum(rollout.repeats for rollout in payload.rollouts) == SIZE
    for rollout in payload.rollouts:
        assert Cause(rollout.cause).reward_valid
        assert math.isfinite(rollout.reward)
        assert RULES.freshness.holds(rollout.oldest_version)


def test_nothing_leaves_an_end() -> None:
    assert all(state not in sources for sources in ROLLOUT_MOVES.values() for state in ENDED_ROLLOUT)
    assert GroupState.SEALED not in ENDED_GROUP


def test_advance_is_fenced_and_idempotent() -> None:
    with record() as connection:
        opened = open_group(connection, Plan("e", TaskRef(split="train", index=0), 1), 0.0)
        rollout_id = opened.rollouts[0].rollout_id
        assert not advance(connection, rollout_id, 2, RolloutState.RUNNING)
        assert advance(connection, rollout_id, 1, RolloutState.RUNNING)
        assert not advance(connection, rollout_id, 1, RolloutState.RUNNING)
        assert not advance(connection, rollout_id, 1, RolloutState.SEALED)


def test_a_retried_attempt_keeps_its_cause_and_error() -> None:
    with record() as connection:
        opened = open_group(connection, Plan("e", TaskRef(split="train", index=0), 1), 0.0)
        rollout_id = opened.rollouts[0].rollout_id
        changes = fail(connection, rollout_id, 1, Ending(Cause.SANDBOX, "no disk"), RULES)
        assert [change.retried for change in changes] == [Cause.SANDBOX]  # type: ignore[union-attr]
        with pytest.raises(Fenced):
            report(connection, outcome(rollout_id, 1, Cause.COMPLETED), RULES)
        report(connection, outcome(rollout_id, 2, Cause.COMPLETED, 0.5), RULES)
        score(connection, rollout_id, 2, scored(3), RULES)
        row = connection.execute(select(rollouts)).one()
        assert (row.state, row.reward, row.attempt) == (RolloutState.SEALED, 0.5, 2)
