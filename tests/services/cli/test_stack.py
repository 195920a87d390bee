"""The processes of a run, as they are told."""

from pathlib import Path

from services.cli.families import SHARES
from services.cli.folder import Plan, RunFolder
from services.cli.stack import Stack


def test_the_family_with_the_greatest_share_never_runs_full(tmp_path: Path) -> None:
    """Else what it has no room for goes to the others, beyond their shares."""
    plan = Plan(1, 0, 16, 8, 8, 3e-4, 3, dict(SHARES))
    told = {
        command.name: command.environment
        for command in Stack(RunFolder.create(tmp_path / "run", plan), plan).commands()
    }
    alive = int(told["orchestrator"]["PODIUM_ORCHESTRATOR_MAX_CONCURRENT_ROLLOUTS"])
    greatest = max(SHARES, key=SHARES.__getitem__)
    assert int(told[f"environment-{greatest}"]["PODIUM_ENVIRONMENT_CAPACITY"]) >= alive
