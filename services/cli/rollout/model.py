"""The shipped tiny policy behind a real engine and a real gateway, for one rollout."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.cli.folder import Plan, RunFolder
from services.cli.stack import MODEL_NAME, Stack
from services.cli.supervisor import Supervisor
from services.contracts.words import new_id
from services.kit.access import Claims, Scope, Signer

_LONGEST_REPLY = 64  # tokens; as in a run
_LIFETIME_S = 86_400.0


@dataclass(frozen=True)
class Door:
    """Where the model is, the file with the key to it, and the rollout that the key opens."""

    url: str
    key_file: Path
    model: str
    rollout_id: str


@asynccontextmanager
async def tiny_policy() -> AsyncIterator[Door]:
    """Valkey, engine and gateway, which end with the context. Raises ChildFailed if one does not serve."""
    with TemporaryDirectory(prefix="podium-rollout-") as scratch:
        folder = RunFolder.create(Path(scratch), Plan(0, 0, 0, 0, 0, 0.0, 0, shares={}))
        stack, rollout_id = Stack(folder, folder.plan()), new_id()
        claims = Claims(Scope.ROLLOUT, rollout_id, 1, max_new_tokens=_LONGEST_REPLY)
        key_file = folder.root / "secrets" / "rollout_key"
        _write(key_file, Signer.from_file(folder.secret_file).mint(claims, _LIFETIME_S))
        async with Supervisor(stack.model_commands()).running():
            yield Door(stack.gateway_url, key_file, MODEL_NAME, rollout_id)


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
