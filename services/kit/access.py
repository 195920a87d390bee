"""Signed, expiring capabilities: who may do what, without asking a database.

A capability is a JWT (HS256) with one scope. `rollout` and `report` are bound to one rollout and
attempt. Those of every other scope are standing tokens: they carry an id by which the orchestrator can
withdraw them, and the name of whoever holds them. `admin` opens everything that is not bound.
"""

import hashlib
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt

from services.contracts.words import new_id
from services.kit.failure import Forbidden

_REMEMBERED = 20_000  # tokens whose signature need not be checked again
_READ_NOT_SAID = ("expires_at", "digest")


class Scope(StrEnum):
    ADMIN = "admin"
    ENVIRONMENT = "environment"
    LEARNER = "learner"
    GATEWAY = "gateway"
    VIEWER = "viewer"
    SANDBOX = "sandbox"
    ROLLOUT = "rollout"
    REPORT = "report"


BOUND = frozenset({Scope.ROLLOUT, Scope.REPORT})
STANDING = tuple(scope for scope in Scope if scope not in BOUND)


@dataclass(frozen=True)
class Claims:
    """What a capability says once its signature and expiry have been checked.

    `environment` binds a token of that scope to one name. `expires_at` and `digest` (SHA-256 of the token)
    are known of a token that was read. ValueError: a bound scope without a rollout and attempt.
    """

    scope: Scope
    rollout_id: str | None = None
    attempt: int | None = None
    environment: str | None = None
    holder: str | None = None
    token_id: str | None = field(default=None, compare=False)
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    max_new_tokens: int = 512
    expires_at: float = field(default=0.0, compare=False)
    digest: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.scope in BOUND and (self.rollout_id is None or self.attempt is None):
            raise ValueError(f"a capability with scope '{self.scope}' is bound to a rollout and attempt")


class Signer:
    """Mints and verifies capabilities. The first secret signs; older ones still verify until they are
    taken away."""

    def __init__(self, secret: str, *older: str) -> None:
        self.secrets = (secret, *older)
        if any(len(one) < 32 for one in self.secrets):
            raise ValueError("the signing secret has fewer than 32 characters")
        self._verified: dict[str, Claims] = {}

    @classmethod
    def from_file(cls, path: Path) -> "Signer":
        """One secret a line, the newest first."""
        lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
        return cls(*(lines or [""]))

    def mint(self, claims: Claims, lifetime_s: float) -> str:
        """A token that expires `lifetime_s` seconds from now."""
        return self.sign(claims, time.time() + lifetime_s)

    def sign(self, claims: Claims, expires_at: float) -> str:
        """The token of these claims; the same claims and expiry give the same token."""
        body = {key: value for key, value in vars(claims).items() if value is not None}
        for name in _READ_NOT_SAID:
            del body[name]
        if claims.scope not in BOUND:
            body.setdefault("token_id", new_id())
        return jwt.encode({**body, "exp": expires_at}, self.secrets[0], "HS256")

    def verify(self, token: str) -> Claims:
        """The claims of a token. Raises Forbidden (401) if it is forged, malformed or expired."""
        claims = self._verified.get(token)
        if claims is not None and time.time() < claims.expires_at:
            return claims
        claims = self._decode(token)
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[token] = claims
        return claims

    def _decode(self, token: str) -> Claims:
        try:
            body = self._opened(token)
            read = {"expires_at": float(body.pop("exp")), "digest": digest(token)}
            return Claims(**{**body, "scope": Scope(body["scope"]), **read})
        except jwt.ExpiredSignatureError:
            raise Forbidden("the token has expired", status=401, remedy="ask for a new one") from None
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Forbidden("the token is not valid here", status=401, remedy="check the API key") from None

    def _opened(self, token: str) -> dict[str, Any]:
        for secret in self.secrets[:-1]:
            try:
                return _read(token, secret)
            except jwt.InvalidSignatureError:
                continue
        return _read(token, self.secrets[-1])

    def require(self, authorization: str | None, *scopes: Scope) -> Claims:
        """The claims of an `Authorization: Bearer` header if its scope is one of `scopes`.

        `admin` will do as well, unless only scopes that are bound to a rollout are asked for.
        Raises Forbidden: 401 without a valid token, 403 with another scope.
        """
        if not authorization or not authorization.lower().startswith("bearer "):
            raise Forbidden(
                "no bearer token",
                status=401,
                field="authorization",
                remedy="send 'Authorization: Bearer <token>'",
            )
        claims = self.verify(authorization[7:].strip())
        bound = bool(scopes) and BOUND.issuperset(scopes)
        if claims.scope not in scopes and (bound or claims.scope is not Scope.ADMIN):
            wanted = ", ".join(scopes) or Scope.ADMIN
            raise Forbidden(f"scope '{claims.scope}' may not do this; it takes {wanted}")
        return claims


def digest(token: str) -> str:
    """What a record may keep of a token: it tells which one it was, and opens nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def _read(token: str, secret: str) -> dict[str, Any]:
    return dict(jwt.decode(token, secret, ["HS256"], options={"require": ["exp", "scope"]}))
