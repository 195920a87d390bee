"""Secrets of a cluster: made once, handed out by need, and whole."""

import stat
from pathlib import Path

from deploy.keys import SERVICES, hand_out
from services.kit.access import Scope, Signer


def test_what_is_made_works_and_stays(tmp_path: Path) -> None:
    hand_out(tmp_path)
    first = {path.name: path.read_text() for path in (tmp_path / "all").iterdir()}
    hand_out(tmp_path)
    second = {path.name: path.read_text() for path in (tmp_path / "all").iterdir()}
    assert {name for name in first if first[name] != second[name]} <= {"admin_token"}
    signer = Signer.from_file(tmp_path / "orchestrator/signing_secret")
    for scope, folder in (
        (Scope.GATEWAY, "gateway"),
        (Scope.LEARNER, "learner"),
        (Scope.VIEWER, "prometheus"),
    ):
        assert signer.verify((tmp_path / folder / f"{scope}_token").read_text()).scope is scope
    assert signer.verify(second["admin_token"]).scope is Scope.ADMIN
    password = (tmp_path / "gateway/redis_password").read_text()
    assert (tmp_path / "redis/redis.conf").read_text() == f"requirepass {password}"


def test_each_service_gets_its_own_and_no_more(tmp_path: Path) -> None:
    hand_out(tmp_path)
    found = {
        folder.name: tuple(sorted(path.name for path in folder.iterdir()))
        for folder in tmp_path.iterdir()
        if folder.name != "all"
    }
    assert found == {service: tuple(sorted(names)) for service, names in SERVICES.items()}
    assert not {"signing_secret", "admin_token", "redis_password"} & set(found["environment"])


def test_nobody_can_write_them(tmp_path: Path) -> None:
    hand_out(tmp_path)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o444}
