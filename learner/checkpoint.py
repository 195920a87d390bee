"""Checkpoints: parameters, optimizer and random state together with the place in the stream.

A checkpoint is a folder `step-<step>` that appears whole or not at all, so a step and the groups that
it consumed are remembered together or forgotten together.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch

from learner.durable import sweep, whole_folder
from learner.policy import Policy
from services.contracts.step import StepReport
from services.kit.crash import CrashPoints

_KEPT = 2
_ID_BYTES = 16


@dataclass(frozen=True)
class Position:
    """Where training stands after `step`.

    `weight_version` is the version that the next step trains; it was made by `published_step`.
    `reports` are those that the orchestrator may not have seen.
    """

    step: int = 0
    weight_version: int = 0
    published_step: int = 0
    consumed: frozenset[str] = frozenset()
    reports: tuple[StepReport, ...] = ()


class _Place(msgspec.Struct):
    """`place.json`: a Position without the ids of consumed groups, which lie packed beside it."""

    step: int
    weight_version: int
    published_step: int
    reports: list[str]


class Checkpoints:
    """The last two checkpoints of a folder."""

    def __init__(self, folder: Path, crash: CrashPoints) -> None:
        self._folder = folder
        self._crash = crash
        sweep(folder)

    def save(self, position: Position, policy: Policy, optimizer: torch.optim.Optimizer) -> None:
        """When this returns, a restart finds exactly this."""
        with whole_folder(self._folder / f"step-{position.step:08d}") as folder:
            torch.save(policy.model.state_dict(), folder / "parameters.pt")
            self._crash.reached("in_checkpoint")
            state = {"optimizer": optimizer.state_dict(), "random": torch.get_rng_state()}
            torch.save(state, folder / "optimizer.pt")
            _write_position(folder, position)
        for old in self._steps()[:-_KEPT]:
            shutil.rmtree(old)

    def load(self, policy: Policy, optimizer: torch.optim.Optimizer) -> Position:
        """The newest checkpoint into the policy and optimizer; a Position of step 0 if there is none."""
        if not self._steps():
            return Position()
        folder = self._steps()[-1]
        policy.model.load_state_dict(
            torch.load(folder / "parameters.pt", map_location="cpu", weights_only=True)
        )
        state = torch.load(folder / "optimizer.pt", map_location="cpu", weights_only=True)
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        return _read_position(folder)

    def _steps(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("step-*") if path.suffix == "")


def _write_position(folder: Path, position: Position) -> None:
    reports = [report.model_dump_json() for report in position.reports]
    place = _Place(position.step, position.weight_version, position.published_step, reports)
    (folder / "place.json").write_bytes(msgspec.json.encode(place))
    (folder / "consumed.ids").write_bytes(b"".join(map(bytes.fromhex, sorted(position.consumed))))


def _read_position(folder: Path) -> Position:
    place = msgspec.json.decode((folder / "place.json").read_bytes(), type=_Place)
    packed = (folder / "consumed.ids").read_bytes()
    ids = (packed[start : start + _ID_BYTES].hex() for start in range(0, len(packed), _ID_BYTES))
    reports = tuple(StepReport.model_validate_json(report) for report in place.reports)
    return Position(place.step, place.weight_version, place.published_step, frozenset(ids), reports)
