"""A run folder keeps its plan, its phase and its secrets."""

from pathlib import Path

import pytest

from services.cli.folder import Plan, RunFolder
from services.kit.access import Scope, Signer

PLAN = Plan(
    steps=3,
    seed=1,
    evaluation_rollouts=4,
    groups_per_step=2,
    group_size=4,
    learning_rate=1e-4,
    max_staleness=2,
)


def test_a_folder_is_opened_as_it_was_left(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", PLAN)
    folder.update(before={"terminal": "abc"}, seconds={"training": 12.5})
    again = RunFolder.open(tmp_path / "run")
    assert again.plan() == PLAN
    assert again.phase().before == {"terminal": "abc"}
    assert again.phase().after == {}
    assert again.phase().seconds == {"training": 12.5}


def test_a_second_run_does_not_overwrite_the_first(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, PLAN)
    with pytest.raises(FileExistsError, match="--resume"):
        RunFolder.create(tmp_path, PLAN)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"plan\.json"):
        RunFolder.open(tmp_path)


def test_secrets_are_for_their_owner_alone_and_scoped(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, PLAN)
    secrets = folder.root / "secrets"
    assert secrets.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets.iterdir())
    signer = Signer.from_file(folder.secret_file)
    assert signer.verify(folder.token_file(Scope.LEARNER).read_text()).scope is Scope.LEARNER
