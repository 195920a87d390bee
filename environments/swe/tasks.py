"""The tasks of one environment: rows by split, and the folders that their sandboxes are built from."""

from dataclasses import dataclass
from pathlib import Path

from environments.swe.instance import Instance
from environments.swe.rows import read_instances
from environments.tasks import SPLITS, Tasks
from services.kit.failure import Refused
from services.sandbox.port import Blueprint, Sandboxes, Tier

_SUFFIXES = (".jsonl", ".parquet")


@dataclass(frozen=True, kw_only=True)
class SweTasks(Tasks[Instance]):
    """`<folder>/<split>.jsonl` or `.parquet`, and `<folder>/images/<image>/Dockerfile`."""

    folder: Path

    def blueprint(self, instance: Instance) -> Blueprint:
        folder, tier = self.folder / "images" / instance.image, Tier(instance.isolation.replace("-", "_"))
        if instance.is_prebuilt:
            folder = self.folder
        image = instance.image if instance.is_prebuilt else None
        return Blueprint(folder, instance.workdir, instance.environment, image=image, tier=tier)


def load_tasks(folder: Path, sandboxes: Sandboxes) -> SweTasks:
    """All rows of both splits. Errors: Refused, naming file, row and field, or the image that is missing."""
    splits = {split: tuple(_read(folder, split)) for split in SPLITS}
    tasks = SweTasks(
        folder=folder, splits={split: instances for split, instances in splits.items() if instances}
    )
    if not tasks.splits:
        raise Refused(f"{folder} holds no task", field="tasks_dir", remedy="give a folder with train.jsonl")
    seen: set[str] = set()
    for instance in tasks.all():
        if instance.instance_id in seen:
            raise Refused(f"{folder}: {instance.instance_id} is there twice", field="instance_id")
        seen.add(instance.instance_id)
    for instance in {(one.image, one.isolation): one for one in tasks.all()}.values():
        sandboxes.check(tasks.blueprint(instance))
    return tasks


def _read(folder: Path, split: str) -> list[Instance]:
    files = [path for suffix in _SUFFIXES if (path := folder / f"{split}{suffix}").is_file()]
    return [instance for path in files for instance in read_instances(path)]
