"""A run folder: where each thing of a run lies, and what a resumed run needs to know."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from services.kit.access import Claims, Scope, Signer

_TOKEN_LIFETIME_S = 90 * 86_400


@dataclass(frozen=True)
class Plan:
    """What a run was asked to do; kept in the folder so that a resumed run does the same."""

    steps: int
    seed: int
    evaluation_rollouts: int
    groups_per_step: int
    group_size: int
    learning_rate: float
    max_staleness: int
    shares: Mapping[str, float] = field(default_factory=lambda: {"terminal": 1.0})
    left_out: Mapping[str, str] = field(default_factory=dict)  # environment → what this machine lacks


@dataclass(frozen=True)
class Phase:
    """How far a run has come. Evaluations are by environment, once they have begun; seconds by phase."""

    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run. Secrets are readable by their owner only."""

    root: Path

    @classmethod
    def create(cls, root: Path, plan: Plan) -> Self:
        """Make a new run folder. Raises FileExistsError if a run already lives there."""
        if (root / "plan.json").exists():
            raise FileExistsError(f"{root} already holds a run; continue it with --resume {root}")
        folder = cls(root.resolve())
        for name in ("logs", "ready", "redis", "weights", "checkpoints"):
            (folder.root / name).mkdir(parents=True, exist_ok=True)
        folder._write_secrets()
        write_json(folder.root / "plan.json", asdict(plan))
        folder.save(Phase())
        return folder

    @classmethod
    def open(cls, root: Path) -> Self:
        """An existing run folder. Raises FileNotFoundError if there is no run in it."""
        if not (root / "plan.json").exists():
            raise FileNotFoundError(f"{root} holds no run: plan.json is missing")
        return cls(root.resolve())

    def plan(self) -> Plan:
        return Plan(**json.loads((self.root / "plan.json").read_text()))

    def phase(self) -> Phase:
        return Phase(**json.loads((self.root / "phase.json").read_text()))

    def save(self, phase: Phase) -> None:
        write_json(self.root / "phase.json", asdict(phase))

    def update(self, **changes: object) -> Phase:
        """Save the phase with some fields changed."""
        phase = replace(self.phase(), **changes)  # type: ignore[arg-type]
        self.save(phase)
        return phase

    @property
    def secret_file(self) -> Path:
        return self.root / "secrets" / "signing_secret"

    @property
    def engine_key_file(self) -> Path:
        return self.root / "secrets" / "engine_key"

    @property
    def engine_admin_key_file(self) -> Path:
        return self.root / "secrets" / "engine_admin_key"

    def token_file(self, scope: Scope) -> Path:
        return self.root / "secrets" / f"{scope}_token"

    def _write_secrets(self) -> None:
        folder = self.root / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        for file in (self.secret_file, self.engine_key_file, self.engine_admin_key_file):
            _write_secret(file, secrets.token_hex(32))
        signer = Signer.from_file(self.secret_file)
        for scope in (
            Scope.ADMIN,
            Scope.ENVIRONMENT,
            Scope.LEARNER,
            Scope.GATEWAY,
            Scope.VIEWER,
            Scope.SANDBOX,
        ):
            _write_secret(self.token_file(scope), signer.mint(Claims(scope, holder="run"), _TOKEN_LIFETIME_S))


def write_json(path: Path, value: object) -> None:
    """Write a JSON file so that a reader sees the old one or the new one, whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=2) + "\n")
    part.replace(path)


def _write_secret(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
