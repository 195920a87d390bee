"""The order of tasks: no repeat within an epoch, the same for the same seed, and resumable."""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, update

from orchestrator.opening import Draw, open_drawn
from orchestrator.store.tables import groups, metadata
from orchestrator.tasks import Curriculum, Cursor, draw


def drawn(seed: int, count: int, number: int, cursor: Cursor = Cursor()) -> tuple[list[int], Cursor]:
    indices = []
    for _ in range(number):
        index, cursor = draw(seed, "terminal", "train", count, cursor)
        indices.append(index)
    return indices, cursor


@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 4))
def test_every_epoch_has_each_task_once(seed: int, count: int, epochs: int) -> None:
    indices, _ = drawn(seed, count, count * epochs)
    for epoch in range(epochs):
        assert sorted(indices[epoch * count : (epoch + 1) * count]) == list(range(count))


@given(st.integers(0, 1000), st.integers(1, 40), st.integers(0, 60), st.integers(0, 60))
def test_drawing_goes_on_where_it_stopped(seed: int, count: int, first: int, second: int) -> None:
    whole, _ = drawn(seed, count, first + second)
    before, cursor = drawn(seed, count, first)
    after, _ = drawn(seed, count, second, cursor)
    assert before + after == whole


def test_epochs_and_seeds_differ() -> None:
    first, cursor = drawn(0, 50, 50)
    second, _ = drawn(0, 50, 50, cursor)
    assert first != second
    assert first != drawn(1, 50, 50)[0]


def test_fewer_tasks_than_drawn_begin_a_new_epoch() -> None:
    index, cursor = draw(0, "terminal", "train", 3, Cursor(epoch=0, position=10))
    assert index in range(3)
    assert cursor == Cursor(epoch=1, position=1)


def test_a_curriculum_passes_over_what_teaches_nothing_until_it_is_revisited() -> None:
    curriculum = Curriculum(lowest=0.0, highest=1.0, revisit=3)
    assert curriculum.worth(None, 1)
    assert curriculum.worth(0.5, 1)
    assert not curriculum.worth(0.0, 1)
    assert not curriculum.worth(1.0, 2)
    assert curriculum.worth(1.0, 3)


def test_an_opening_follows_the_curriculum_and_still_repeats_nothing_in_an_epoch() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    drawn = Draw(0, "e", "train", 6, 1, (), curriculum=Curriculum(revisit=100))
    epochs: list[list[int]] = [[], []]
    with engine.begin() as connection:
        for number in range(6):
            (opened,) = open_drawn(connection, drawn, 0.0)
            epochs[0].append(opened.task.index)
            solved = update(groups).where(groups.c.group_id == opened.group_id)
            connection.execute(solved.values(mean_reward=1.0 if number < 2 else 0.5))
        for _ in range(4):
            epochs[1].append(open_drawn(connection, drawn, 0.0)[0].task.index)
    assert sorted(epochs[0]) == list(range(6))
    assert sorted(epochs[1]) == sorted(epochs[0][2:])
    engine.dispose()
