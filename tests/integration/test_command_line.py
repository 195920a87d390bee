"""`podium` against a real orchestrator: tables, JSON, exit codes, and no token in sight."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from services.cli.__main__ import app
from services.cli.exits import Exit
from services.contracts.words import new_id
from services.kit.access import Scope, Signer
from tests.integration.living import ROLLOUTS, SECRET, Living


def podium(living: Living, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*living.arguments, *arguments])


def told(living: Living, *arguments: str) -> Any:
    """What a command prints with --json."""
    result = podium(living, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_environments_are_shown_and_changed(living: Living) -> None:
    table = podium(living, "env", "list")
    assert (table.exit_code, "scripted" in table.stdout, "active" in table.stdout) == (0, True, True)
    assert told(living, "env", "update", "scripted", "--max-share", "0.5")["max_share"] == 0.5
    assert "0 to 0.5" in podium(living, "env", "show", "scripted").stdout
    again = ("env", "register", "scripted", living.environment.url)
    assert told(living, *again)["max_share"] == 0.5
    assert podium(living, "env", "drain", "scripted", "--wait").exit_code == 0
    assert told(living, "env", "show", "scripted")["state"] == "draining"
    assert told(living, "env", "update", "scripted", "--state", "active")["state"] == "active"


def test_rollouts_are_found_read_and_played_back(living: Living) -> None:
    found = told(living, "rollouts", "list", "--state", "sealed")
    assert len(found) >= ROLLOUTS
    rollout_id = found[-1]["rollout_id"]
    assert rollout_id in podium(living, "rollouts", "list").stdout
    shown = podium(living, "rollouts", "show", rollout_id).stdout
    assert all(part in shown for part in ("list the files", "→ bash", "One file: a.txt", "tests 1"))
    assert len(told(living, "rollouts", "show", rollout_id, "--tokens")["tokens"]) == 3
    assert "One file: a.txt" in podium(living, "rollouts", "replay", rollout_id, "--delay", "0.001").stdout
    ended = podium(living, "rollouts", "cancel", rollout_id)
    assert (ended.exit_code, "has ended" in ended.stderr) == (Exit.CONFLICT, True)


def test_a_task_is_run_again_as_a_new_rollout(living: Living) -> None:
    old = told(living, "rollouts", "list", "--state", "sealed")[-1]
    new = told(living, "rollouts", "replay", old["rollout_id"], "--again")
    before = living.get(f"/v1/rollouts/{old['rollout_id']}")
    assert (new["rollout_id"] != old["rollout_id"], new["purpose"]) == (True, "evaluation")
    assert (new["split"], new["task_index"]) == (before["split"], before["task_index"])
    assert before["state"] == "sealed"


def test_the_same_key_starts_nothing_twice(living: Living) -> None:
    rollout_id = told(living, "rollouts", "list", "--state", "sealed")[-1]["rollout_id"]
    headers = {"authorization": f"Bearer {living.admin}", "idempotency-key": "once"}
    address = f"{living.url}/v1/rollouts/{rollout_id}/replay"
    first, second = (httpx.post(address, headers=headers).json() for _ in range(2))
    assert first == second


def test_progress_report_and_engines(living: Living) -> None:
    assert "scripted" in podium(living, "progress").stdout
    assert told(living, "progress")["rollouts"]["sealed"] >= ROLLOUTS
    report = told(living, "report")
    assert report["run"]["starts"] == 1
    assert "staleness" in podium(living, "report").stdout
    assert told(living, "engines")["engines"][0]["state"] == "healthy"
    assert "healthy" in podium(living, "engines").stdout


def test_a_token_is_minted_used_replaced_and_withdrawn(living: Living, tmp_path: Path) -> None:
    file = tmp_path / "token"
    minted = podium(living, "tokens", "mint", "viewer", "--holder", "grace", "--out", str(file))
    assert (minted.exit_code, file.stat().st_mode & 0o777) == (0, 0o600), minted.output
    token_id = minted.stdout.split()[0]
    as_grace = ["--orchestrator", living.url, "--token-file", str(file)]
    assert CliRunner().invoke(app, [*as_grace, "progress"]).exit_code == 0
    assert CliRunner().invoke(app, [*as_grace, "env", "drain", "scripted"]).exit_code == Exit.FORBIDDEN
    assert CliRunner().invoke(app, [*as_grace, "tokens", "list"]).exit_code == Exit.FORBIDDEN
    assert token_id in podium(living, "tokens", "list").stdout
    other = tmp_path / "other"
    assert podium(living, "tokens", "rotate", token_id, "--out", str(other)).exit_code == 0
    assert CliRunner().invoke(app, [*as_grace, "progress"]).exit_code == Exit.FORBIDDEN
    as_grace[-1] = str(other)
    assert CliRunner().invoke(app, [*as_grace, "progress"]).exit_code == 0
    new_id_ = next(one for one in told(living, "tokens", "list") if one["replaces"] == token_id)["token_id"]
    assert podium(living, "tokens", "withdraw", new_id_).exit_code == 0
    assert CliRunner().invoke(app, [*as_grace, "progress"]).exit_code == Exit.FORBIDDEN
    trail = living.get("/v1/audit", subject=f"token/{token_id}")["entries"]
    assert [(one["field"], one["holder"]) for one in trail] == [("withdrawn_at", "ada"), ("scope", "ada")]


def test_a_token_can_be_signed_before_anything_runs(living: Living, tmp_path: Path) -> None:
    out, secret = tmp_path / "signed", living.folder / "secret"
    signed = CliRunner().invoke(
        app, ["tokens", "sign", "learner", "--holder", "l", "--secret-file", str(secret), "--out", str(out)]
    )
    assert signed.exit_code == 0, signed.output
    claims = Signer(SECRET).verify(out.read_text())
    assert (claims.scope, claims.holder) == (Scope.LEARNER, "l")
    assert claims.expires_at > time.time() + 80 * 86_400


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["rollouts", "show", new_id()], Exit.MISSING),
        (["rollouts", "show", "nonsense"], Exit.USAGE),
        (["env", "update", "scripted"], Exit.USAGE),
        (["export", "x.csv"], Exit.USAGE),
        (["env", "show", "nobody"], Exit.MISSING),
    ],
)
def test_what_cannot_be_done_says_why(living: Living, arguments: list[str], code: Exit) -> None:
    result = podium(living, *arguments)
    assert result.exit_code == code, result.output
    assert len(result.stderr) > 10


def test_nobody_there_and_no_token(living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = str(living.folder / "admin_token")
    alone = ["--orchestrator", "http://127.0.0.1:9", "--token-file", token, "progress"]
    assert CliRunner().invoke(app, alone).exit_code == Exit.UNREACHABLE
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["--orchestrator", living.url, "progress"]).exit_code == Exit.USAGE
    variables = {"PODIUM_ORCHESTRATOR_URL": living.url, "PODIUM_ADMIN_TOKEN_FILE": token}
    assert CliRunner().invoke(app, ["progress"], env=variables).exit_code == 0


def test_shells_complete_commands() -> None:
    asked = {"_PODIUM_COMPLETE": "complete_bash", "COMP_WORDS": "podium rollouts ", "COMP_CWORD": "2"}
    result = CliRunner().invoke(app, [], prog_name="podium", env=asked)
    assert {"list", "show", "tail", "cancel", "replay"} <= set(result.stdout.split())
