"""Folders appear whole, once, and nothing else is left."""

from pathlib import Path
from threading import Barrier, Thread

import pytest

from environments.whole import appears_whole
from services.kit.failure import Refused


def test_of_two_writers_at_one_moment_each_finds_a_whole_folder(tmp_path: Path) -> None:
    together = Barrier(2)

    def write(name: str) -> None:
        with appears_whole(tmp_path / "tasks") as part:
            (part / "name").write_text(name)
            (part / "more").write_text(name)
            together.wait(10)

    writers = [Thread(target=write, args=(name,)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(10)
    assert [path.name for path in tmp_path.iterdir()] == ["tasks"]
    assert (tmp_path / "tasks/name").read_text() == (tmp_path / "tasks/more").read_text()


def test_what_breaks_halfway_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), appears_whole(tmp_path / "tasks") as part:
        (part / "name").write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["tasks", "tasks/train.jsonl"])
def test_what_is_there_already_is_refused(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("somebody's")
    with pytest.raises(Refused, match="is there already"), appears_whole(tmp_path / "tasks"):
        pass
    assert (tmp_path / there).read_text() == "somebody's"
