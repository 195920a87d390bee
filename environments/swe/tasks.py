"""The tasks of one environment: rows by split, and the folders that their sandboxes are built from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from environments.swe.instance import Instance
from environments.swe.rows import read_instances
from services.contracts.environment import TaskCard, TaskRef
from services.kit.failure import Missing, Refused
from services.sandbox.port import Blueprint, Sandboxes

_SPLITS = ("train", "evaluation")
_SUFFIXES = (".jsonl", ".parquet")


@dataclass(frozen=True)
class SweTasks:
    """`<folder>/<split>.jsonl` or `.parquet`, and `<folder>/images/<image>/Dockerfile`."""

    folder: Path
    splits: Mapping[str, tuple[Instance, ...]]

    def counts(self) -> dict[str, int]:
        return {name: len(instances) for name, instances in self.splits.items()}

    def all(self) -> tuple[Instance, ...]:
        return tuple(instance for instances in self.splits.values() for instance in instances)

    def find(self, ref: TaskRef) -> Instance:
        """Errors: Missing."""
        instances = self.splits.get(ref.split)
        if instances is None:
            raise Missing(f"no split {ref.split}; there are {', '.join(self.splits)}", field="split")
        if ref.index >= len(instances):
            raise Missing(f"split {ref.split} has {len(instances)} tasks", field="index", value=ref.index)
        return instances[ref.index]

    def card(self, ref: TaskRef) -> TaskCard:
        instance = self.find(ref)
        tags = (instance.repo, instance.kind, instance.isolation)
        return TaskCard(
            task=ref, title=instance.instance_id, tags=tags, instruction=instance.problem_statement
        )

    def blueprint(self, instance: Instance) -> Blueprint:
        return Blueprint(self.folder / "images" / instance.image, instance.workdir, instance.environment)


def load_tasks(folder: Path, sandboxes: Sandboxes) -> SweTasks:
    """All rows of both splits. Errors: Refused, naming file, row and field, or the image that is missing."""
    splits = {split: tuple(_read(folder, split)) for split in _SPLITS}
    tasks = SweTasks(folder, {split: instances for split, instances in splits.items() if instances})
    if not tasks.splits:
        raise Refused(f"{folder} holds no task", field="tasks_dir", remedy="give a folder with train.jsonl")
    seen: set[str] = set()
    for instance in tasks.all():
        if instance.instance_id in seen:
            raise Refused(f"{folder}: {instance.instance_id} is there twice", field="instance_id")
        seen.add(instance.instance_id)
    for image in {instance.image: instance for instance in tasks.all()}.values():
        sandboxes.check(tasks.blueprint(image))
    return tasks


def _read(folder: Path, split: str) -> list[Instance]:
    files = [path for suffix in _SUFFIXES if (path := folder / f"{split}{suffix}").is_file()]
    return [instance for path in files for instance in read_instances(path)]
