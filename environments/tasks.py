"""The tasks of one environment, whatever they are: splits, each in the order of its files."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from services.contracts.environment import TaskCard, TaskRef
from services.kit.failure import Missing, Refused

SPLITS = ("train", "evaluation")


class Carded(Protocol):
    """A task that people can be shown."""

    def card(self, ref: TaskRef) -> TaskCard: ...


T = TypeVar("T", bound=Carded)


@dataclass(frozen=True)
class Tasks(Generic[T]):
    """`splits` has no split without a task."""

    splits: Mapping[str, tuple[T, ...]]

    def counts(self) -> dict[str, int]:
        return {name: len(tasks) for name, tasks in self.splits.items()}

    def all(self) -> tuple[T, ...]:
        return tuple(task for tasks in self.splits.values() for task in tasks)

    def first(self, count: int | None) -> Self:
        """Only so many of each split, or all."""
        return replace(self, splits={split: tasks[:count] for split, tasks in self.splits.items()})

    def find(self, ref: TaskRef) -> T:
        """Errors: Missing."""
        tasks = self.splits.get(ref.split)
        if tasks is None:
            raise Missing(f"no split {ref.split}; there are {', '.join(self.splits)}", field="split")
        if ref.index >= len(tasks):
            raise Missing(f"split {ref.split} has {len(tasks)} tasks", field="index", value=ref.index)
        return tasks[ref.index]

    def card(self, ref: TaskRef) -> TaskCard:
        return self.find(ref).card(ref)


def read_splits(
    folder: Path, read: Callable[[Path], Iterable[T]], known_by: Callable[[T], Hashable]
) -> dict[str, tuple[T, ...]]:
    """`<folder>/<split>.jsonl` of each split that has one.

    Errors: Refused if there is no task, a line is none, or both splits have a task `known_by` the same.
    """
    files = {split: folder / f"{split}.jsonl" for split in SPLITS}
    splits = {split: tuple(read(path)) for split, path in files.items() if path.is_file()}
    found = {split: tasks for split, tasks in splits.items() if tasks}
    if not found:
        raise Refused(f"{folder} holds no task", field="tasks_dir", remedy="give a folder with train.jsonl")
    train, evaluation = ({known_by(task) for task in found.get(split, ())} for split in SPLITS)
    if shared := sorted(map(str, train & evaluation)):
        raise Refused(f"{folder}: a task is in both splits: {shared[0]}", field="task")
    return found
