"""Secrets are planted and then looked for: in logs, the store, metrics, exports, arguments and variables."""

import re
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app
from services.cli.folder import Plan, RunFolder
from services.cli.stack import Stack
from tests.integration.living import DISPATCH_TOKEN, ENGINE_KEY, SECRET, Living

TOKEN = re.compile(rb"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{20,}")  # any signed token at all


def secrets(living: Living) -> list[bytes]:
    """All that this orchestrator has seen: its files', its environment's, and every rollout's."""
    requests = living.environment.requests
    keys = [key for one in requests for key in (one.model.api_key, one.report_token)]
    assert keys
    return [text.encode() for text in (SECRET, DISPATCH_TOKEN, ENGINE_KEY, living.admin, *keys)]


def found(living: Living, *places: tuple[str, bytes]) -> list[str]:
    return [name for name, data in places if TOKEN.search(data) or any(s in data for s in secrets(living))]


@pytest.fixture
def provoked(living: Living) -> Living:
    """Everything that might be tempted to log a secret has happened."""
    body = {"name": "away", "url": "http://127.0.0.1:9", "dispatch_token": DISPATCH_TOKEN}
    headers = {"authorization": f"Bearer {living.admin}"}
    for wrong in (body, {**body, "url": "gopher://x"}, {**body, "share": DISPATCH_TOKEN}, {"token": SECRET}):
        reply = httpx.post(f"{living.url}/v1/environments", json=wrong, headers=headers)
        assert reply.status_code in (422, 503)
        assert not found(living, ("reply", _but_for_what_was_sent(reply)))
    httpx.get(f"{living.url}/v1/progress", headers={"authorization": f"Bearer {living.admin}x"})
    minted = httpx.post(
        f"{living.url}/v1/tokens", json={"scope": "viewer", "holder": "canary"}, headers=headers
    )
    assert TOKEN.search(minted.content)
    return living


def _but_for_what_was_sent(reply: httpx.Response) -> bytes:
    """A refusal names the value that did not fit: to the sender, who knows it."""
    return reply.content.replace(DISPATCH_TOKEN.encode(), b"").replace(SECRET.encode(), b"")


def test_no_secret_in_logs_store_metrics_or_process(provoked: Living) -> None:
    living = provoked
    process = Path(f"/proc/{living.pid}")
    stored = list(living.folder.glob("store.sqlite*"))
    assert stored
    assert (living.folder / "log").read_bytes()
    places = [
        ("log", (living.folder / "log").read_bytes()),
        *((path.name, path.read_bytes()) for path in stored),
        ("metrics", httpx.get(f"{living.url}/metrics").content),
        ("arguments", (process / "cmdline").read_bytes()),
        ("variables", (process / "environ").read_bytes()),
    ]
    assert found(living, *places) == []


def test_no_secret_in_what_is_read_or_exported(provoked: Living, tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {provoked.admin}"}
    with httpx.Client(base_url=provoked.url, headers=headers) as client:
        nouns = ("environments", "rollouts", "groups", "engines", "tokens", "runs", "audit", "progress")
        replies = [(noun, client.get(f"/v1/{noun}").content) for noun in nouns]
        rollout_id = client.get("/v1/rollouts").json()["rollouts"][0]["rollout_id"]
        replies.append(("rollout", client.get(f"/v1/rollouts/{rollout_id}", params={"tokens": True}).content))
    assert found(provoked, *replies) == []
    for name in ("rollouts.jsonl", "rollouts.parquet", "rollouts.atif"):
        CliRunner().invoke(app, [*provoked.arguments, "export", str(tmp_path / name)])
        assert found(provoked, (name, (tmp_path / name).read_bytes())) == []


def test_the_search_would_find_one(living: Living) -> None:
    assert found(living, ("log", b"x " + living.admin.encode())) == ["log"]
    assert found(living, ("log", b"x " + ENGINE_KEY.encode())) == ["log"]


def test_a_run_starts_its_processes_without_a_secret_in_sight(tmp_path: Path) -> None:
    plan = Plan(1, 0, 1, 1, 2, 1e-4, 1, {"terminal": 1.0})
    folder = RunFolder.create(tmp_path / "run", plan)
    kept = [path.read_text().strip() for path in (folder.root / "secrets").iterdir()]
    assert len(kept) >= 6
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder.root / "secrets").iterdir())
    for command in Stack(folder, plan).commands():
        told = " ".join([*command.arguments, *command.environment.values()])
        assert not any(secret in told for secret in kept), command.name
