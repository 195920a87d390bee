"""Capabilities: what is forged, expired, of another scope or bound to nothing opens no door."""

import time
from pathlib import Path

import jwt
import pytest

from services.contracts.words import new_id
from services.kit.access import Claims, Scope, Signer
from services.kit.failure import Forbidden

ROLLOUT = new_id()


def bearer(token: str) -> str:
    return f"Bearer {token}"


def test_claims_come_back_as_they_were(signer: Signer) -> None:
    claims = Claims(Scope.ROLLOUT, ROLLOUT, 2, temperature=0.7, top_p=0.9, top_k=20, max_new_tokens=64)
    assert signer.require(bearer(signer.mint(claims, 60)), Scope.ROLLOUT) == claims


def test_a_capability_names_its_own_rollout_and_attempt_alone(signer: Signer) -> None:
    tokens = [signer.mint(Claims(Scope.REPORT, new_id(), attempt), 60) for attempt in (1, 2)]
    seen = {(claims.rollout_id, claims.attempt) for claims in map(signer.verify, tokens)}
    assert len(seen) == 2


def test_an_expired_token_is_refused(signer: Signer) -> None:
    token = signer.mint(Claims(Scope.ROLLOUT, ROLLOUT, 1), -1)
    with pytest.raises(Forbidden, match="expired") as refused:
        signer.verify(token)
    assert refused.value.status == 401


def _forged(signer: Signer) -> dict[str, str]:
    honest = signer.mint(Claims(Scope.ROLLOUT, ROLLOUT, 1), 60)
    head, _, signature = honest.split(".")
    other = signer.mint(Claims(Scope.ADMIN), 60).split(".")[1]
    soon = time.time() + 60
    key = "another secret of more than thirty-two characters"
    secret = "a secret for tests of at least 32 characters"
    return {
        "another body": ".".join((head, other, signature)),
        "another secret": jwt.encode({"scope": "admin", "exp": soon}, key, "HS256"),
        "no signature": jwt.encode({"scope": "admin", "exp": soon}, "", "none"),
        "cut short": honest[:-4],
        "empty": "",
        "rubbish": "sk-no-such-key",
        "no expiry": jwt.encode({"scope": "admin"}, secret, "HS256"),
        "no scope": jwt.encode({"exp": soon}, secret, "HS256"),
        "unknown scope": jwt.encode({"scope": "root", "exp": soon}, secret, "HS256"),
        "unknown claim": jwt.encode({"scope": "admin", "exp": soon, "x": 1}, secret, "HS256"),
        "bound to nothing": jwt.encode({"scope": "rollout", "exp": soon}, secret, "HS256"),
    }


def test_a_forged_token_is_refused(signer: Signer) -> None:
    for forgery, token in _forged(signer).items():
        with pytest.raises(Forbidden) as refused:
            signer.require(bearer(token), Scope.ROLLOUT)
        assert refused.value.status == 401, forgery
        assert refused.value.remedy


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer"])
def test_a_missing_token_is_refused_with_a_remedy(signer: Signer, header: str | None) -> None:
    with pytest.raises(Forbidden, match="no bearer token") as refused:
        signer.require(header, Scope.VIEWER)
    assert (refused.value.status, refused.value.field) == (401, "authorization")


@pytest.mark.parametrize(
    ("held", "asked", "opens"),
    [
        (Claims(Scope.VIEWER), (Scope.VIEWER, Scope.GATEWAY), True),
        (Claims(Scope.ADMIN), (Scope.VIEWER,), True),
        (Claims(Scope.ADMIN), (), True),
        (Claims(Scope.VIEWER), (), False),
        (Claims(Scope.ADMIN), (Scope.ROLLOUT,), False),
        (Claims(Scope.ADMIN), (Scope.REPORT, Scope.VIEWER), True),
        (Claims(Scope.ROLLOUT, ROLLOUT, 1), (Scope.REPORT,), False),
        (Claims(Scope.REPORT, ROLLOUT, 1), (Scope.ROLLOUT,), False),
        (Claims(Scope.ROLLOUT, ROLLOUT, 1), (Scope.ADMIN,), False),
        (Claims(Scope.ENVIRONMENT), (Scope.LEARNER, Scope.GATEWAY), False),
    ],
)
def test_a_scope_opens_its_own_doors_alone(
    signer: Signer, held: Claims, asked: tuple[Scope, ...], opens: bool
) -> None:
    header = bearer(signer.mint(held, 60))
    if opens:
        assert signer.require(header, *asked) == held
        return
    with pytest.raises(Forbidden, match="may not do this") as refused:
        signer.require(header, *asked)
    assert refused.value.status == 403


def test_a_bound_scope_needs_a_rollout() -> None:
    with pytest.raises(ValueError, match="bound to a rollout"):
        Claims(Scope.REPORT)


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_text("short")
    with pytest.raises(ValueError, match="32 characters"):
        Signer.from_file(path)
