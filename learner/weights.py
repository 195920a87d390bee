"""Published weights: a Hugging Face folder for each version, complete before it is announced."""

import shutil
import time
from pathlib import Path

import xxhash

from learner.durable import sweep, whole_folder
from learner.policy import Policy
from services.contracts.weights import WeightAnnouncement
from services.kit.crash import CrashPoints
from services.kit.failure import Conflict, Missing

_WEIGHTS = "model.safetensors"
_NOT_COPIED = (".safetensors", ".bin", ".pt", ".index.json")


class WeightFolder:
    """`<folder>/<version>` for the last `kept` versions. Engines may still be loading an older one."""

    def __init__(self, folder: Path, kept: int, crash: CrashPoints) -> None:
        self._folder = folder
        self._kept = kept
        self._crash = crash
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)

    def write(self, policy: Policy, version: int, step: int) -> WeightAnnouncement:
        """Write a version, or find it written already, and say what is to be announced.

        Raises Conflict if the folder holds other weights of this version: they are another run's.
        """
        target = self._folder / str(version)
        if not target.exists():
            with whole_folder(target) as folder:
                _write_model(policy, folder, self._crash)
            self._remove_old(version)
        elif not _same_weights(policy, target):
            raise Conflict(
                f"{target} holds other weights than those of step {step}",
                field="weights_dir",
                value=self._folder,
                remedy="give each run a weights folder of its own",
            )
        return self.announcement(version, step)

    def announcement(self, version: int, step: int) -> WeightAnnouncement:
        """What to announce of a version that lies here. Raises Missing if it does not."""
        target = (self._folder / str(version)).resolve()
        if not target.exists():
            raise Missing(
                f"weights of version {version} are gone from {self._folder}",
                field="weights_dir",
                value=self._folder,
                remedy="restore the folder that belongs to the checkpoints",
            )
        digest = xxhash.xxh3_128_hexdigest((target / _WEIGHTS).read_bytes())
        return WeightAnnouncement(version, str(target), step, digest, time.time())

    def _remove_old(self, newest: int) -> None:
        for folder in self._folder.iterdir():
            if folder.name.isdigit() and int(folder.name) <= newest - self._kept:
                shutil.rmtree(folder)


def _write_model(policy: Policy, folder: Path, crash: CrashPoints) -> None:
    """Weights in one file; tokenizer and configuration exactly as they came with the policy."""
    policy.model.save_pretrained(folder, max_shard_size="1TB")
    crash.reached("in_weights")
    for file in policy.folder.iterdir():
        if file.is_file() and not file.name.endswith(_NOT_COPIED):
            shutil.copyfile(file, folder / file.name)


def _same_weights(policy: Policy, folder: Path) -> bool:
    written = Policy.load(folder).model.state_dict()
    return all(tensor.cpu().equal(written[name]) for name, tensor in policy.model.state_dict().items())
