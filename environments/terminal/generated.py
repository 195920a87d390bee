"""Writes the generated tasks of both splits, all of them or none."""

from pathlib import Path

from environments.terminal.families.harbor import write_task
from environments.terminal.families.splits import Split, instances
from environments.whole import appears_whole


def write_tasks(out: Path, train: int, evaluation: int, seed: int) -> None:
    """Harbor directories `out/<split>/<index>-<family>/`; `out` appears once it is complete."""
    with appears_whole(out) as complete:
        _write_split(complete / "train", "train", train, seed)
        _write_split(complete / "evaluation", "evaluation", evaluation, seed)


def _write_split(folder: Path, split: Split, count: int, seed: int) -> None:
    for index, instance in enumerate(instances(split, count, seed)):
        write_task(folder / f"{index:04}-{instance.family}", instance, index)
