"""Signed, expiring capabilities: who may do what, without asking a database.

A capability is a JWT (HS256) with one scope. `rollout` and `report` are bound to one rollout and
attempt; `admin` opens everything that is not bound.
"""

import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import jwt

from services.kit.failure import Forbidden

_REMEMBERED = 20_000  # tokens whose signature need not be checked again


class Scope(StrEnum):
    ADMIN = "admin"
    ENVIRONMENT = "environment"
    LEARNER = "learner"
    GATEWAY = "gateway"
    VIEWER = "viewer"
    SANDBOX = "sandbox"
    ROLLOUT = "rollout"
    REPORT = "report"


_BOUND = frozenset({Scope.ROLLOUT, Scope.REPORT})


@dataclass(frozen=True)
class Claims:
    """What a capability says once its signature and expiry have been checked.

    ValueError: a `rollout` or `report` capability that names no rollout and attempt.
    """

    scope: Scope
    rollout_id: str | None = None
    attempt: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    max_new_tokens: int = 512

    def __post_init__(self) -> None:
        if self.scope in _BOUND and (self.rollout_id is None or self.attempt is None):
            raise ValueError(f"a capability with scope '{self.scope}' is bound to a rollout and attempt")


class Signer:
    """Mints and verifies capabilities with one secret."""

    def __init__(self, secret: str) -> None:
        if len(secret) < 32:
            raise ValueError("the signing secret has fewer than 32 characters")
        self._secret = secret
        self._verified: dict[str, tuple[Claims, float]] = {}

    @classmethod
    def from_file(cls, path: Path) -> "Signer":
        return cls(path.read_text().strip())

    def mint(self, claims: Claims, lifetime_s: float) -> str:
        """A token that expires `lifetime_s` seconds from now."""
        body = {key: value for key, value in vars(claims).items() if value is not None}
        return jwt.encode({**body, "exp": time.time() + lifetime_s}, self._secret, "HS256")

    def verify(self, token: str) -> Claims:
        """The claims of a token. Raises Forbidden (401) if it is forged, malformed or expired."""
        claims, expires = self._verified.get(token, (None, 0.0))
        if claims is not None and time.time() < expires:
            return claims
        claims, expires = self._decode(token)
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[token] = claims, expires
        return claims

    def _decode(self, token: str) -> tuple[Claims, float]:
        try:
            body = jwt.decode(token, self._secret, ["HS256"], options={"require": ["exp", "scope"]})
            expires = float(body.pop("exp"))
            return Claims(**{**body, "scope": Scope(body["scope"])}), expires
        except jwt.ExpiredSignatureError:
            raise Forbidden("the token has expired", status=401, remedy="ask for a new one") from None
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise Forbidden("the token is not valid here", status=401, remedy="check the API key") from None

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
        bound = bool(scopes) and _BOUND.issuperset(scopes)
        if claims.scope not in scopes and (bound or claims.scope is not Scope.ADMIN):
            wanted = ", ".join(scopes) or Scope.ADMIN
            raise Forbidden(f"scope '{claims.scope}' may not do this; it takes {wanted}")
        return claims
