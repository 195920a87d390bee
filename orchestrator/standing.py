"""Standing tokens: minted, withdrawn and replaced while everything runs; kept as a digest and never whole.

A token that somebody with the signing secret has minted elsewhere is known from its first use on.
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import Field, model_validator
from sqlalchemy import Connection, insert, select, update

from orchestrator.audit import Audited, Who, keep
from orchestrator.store import Store
from orchestrator.store.tables import tokens
from services.contracts.words import Name, Word, new_id
from services.kit.access import BOUND, Claims, Scope, Signer, digest
from services.kit.failure import Conflict, Forbidden, Missing

_YEAR_S = 366 * 86_400.0


class TokenRequest(Word):
    """`POST /v1/tokens`: what to mint."""

    scope: Literal[Scope.ADMIN, Scope.ENVIRONMENT, Scope.LEARNER, Scope.GATEWAY, Scope.VIEWER]
    holder: Name = Field(description="whom it is for; stands in the audit trail")
    environment: Name | None = Field(default=None, description="scope environment: of this name alone")
    lifetime_s: float = Field(default=90 * 86_400.0, gt=0, le=_YEAR_S)

    @model_validator(mode="after")
    def _bound_to_what_there_is(self) -> "TokenRequest":
        if self.environment is not None and self.scope is not Scope.ENVIRONMENT:
            raise ValueError(f"environment is for tokens with scope environment, not {self.scope}")
        return self


@dataclass(frozen=True)
class Standing:
    """One token as the record has it."""

    token_id: str
    digest: str
    scope: str
    environment: str | None
    holder: str | None
    created_at: float
    expires_at: float
    withdrawn_at: float | None = None
    replaces: str | None = None

    def state(self, now: float) -> Literal["active", "expired", "withdrawn"]:
        if self.withdrawn_at is not None and self.withdrawn_at <= now:
            return "withdrawn"
        return "active" if now < self.expires_at else "expired"

    @property
    def claims(self) -> Claims:
        return Claims(
            Scope(self.scope), environment=self.environment, holder=self.holder, token_id=self.token_id
        )


class StandingTokens:
    """All that are known, by id."""

    def __init__(self, store: Store, signer: Signer) -> None:
        self._store = store
        self._signer = signer
        self.known: dict[str, Standing] = {}
        self.used_at: dict[str, float] = {}

    def load(self, connection: Connection) -> None:
        for row in connection.execute(select(tokens)):
            self.known[row.token_id] = Standing(**row._asdict())

    async def admit(self, claims: Claims) -> None:
        """Let the bearer of a verified token in. Raises Forbidden (401) if it was withdrawn."""
        if claims.scope in BOUND:
            return
        if claims.token_id is None:
            raise Forbidden("the token has no id", status=401, remedy="mint a new one")
        now = time.time()
        known = self.known.get(claims.token_id) or await self._meet(claims, now)
        if known.digest != claims.digest or known.state(now) == "withdrawn":
            raise Forbidden("the token was withdrawn", status=401, remedy="ask for a new one")
        self.used_at[claims.token_id] = now

    async def _meet(self, claims: Claims, now: float) -> Standing:
        met = Standing(
            token_id=str(claims.token_id),
            digest=claims.digest,
            scope=claims.scope,
            environment=claims.environment,
            holder=claims.holder,
            created_at=now,
            expires_at=claims.expires_at,
        )
        await self._store.write(lambda connection: _keep(connection, met, ()))
        return self.known.setdefault(met.token_id, met)

    def named(self, token_id: str) -> Standing:
        """Raises Missing."""
        if token_id not in self.known:
            remedy = "a token that was minted elsewhere is known from its first use on"
            raise Missing(f"no token {token_id}", field="token_id", value=token_id, remedy=remedy)
        return self.known[token_id]

    async def mint(self, request: TokenRequest, who: Who, token_id: str | None = None) -> str:
        """A new token. The same id again gives the same token. Raises Conflict if it was another's."""
        claims = Claims(
            request.scope,
            environment=request.environment,
            holder=request.holder,
            token_id=token_id or new_id(),
        )
        if known := self.known.get(str(claims.token_id)):
            return self._again(known, claims)
        return await self._mint(claims, request.lifetime_s, who)

    async def _mint(self, claims: Claims, lifetime_s: float, who: Who, replaces: str | None = None) -> str:
        now = time.time()
        token = self._signer.sign(claims, now + lifetime_s)
        standing = Standing(
            token_id=str(claims.token_id),
            digest=digest(token),
            scope=claims.scope,
            environment=claims.environment,
            holder=claims.holder,
            created_at=now,
            expires_at=now + lifetime_s,
            replaces=replaces,
        )
        trail = [Audited(f"token/{standing.token_id}", "scope", None, standing.scope, who)]
        await self._store.write(lambda connection: _keep(connection, standing, trail))
        self.known[standing.token_id] = standing
        return token

    def _again(self, known: Standing, claims: Claims) -> str:
        token = self._signer.sign(known.claims, known.expires_at)
        if known.claims != claims or known.digest != digest(token):
            detail = "this idempotency key has minted another token"
            raise Conflict(detail, field="idempotency-key", remedy="send a fresh key")
        return token

    async def rotate(self, token_id: str, grace_s: float, who: Who) -> tuple[str, Standing]:
        """A token like this one, which is withdrawn once `grace_s` are over. Raises Missing, or Conflict."""
        old = self.named(token_id)
        if old.state(time.time()) != "active":
            raise Conflict(f"token {token_id} is {old.state(time.time())}", remedy="mint a new one")
        lifetime_s = old.expires_at - old.created_at
        claims = replace(old.claims, token_id=new_id())
        token = await self._mint(claims, lifetime_s, who, replaces=token_id)
        await self.withdraw(token_id, who, grace_s)
        return token, self.known[str(claims.token_id)]

    async def withdraw(self, token_id: str, who: Who, grace_s: float = 0.0) -> None:
        """It opens nothing from then on. Raises Missing."""
        known, at = self.named(token_id), time.time() + grace_s
        if known.withdrawn_at is not None and known.withdrawn_at <= at:
            return
        trail = [Audited(f"token/{token_id}", "withdrawn_at", known.withdrawn_at, at, who)]

        def change(connection: Connection) -> None:
            connection.execute(update(tokens).where(tokens.c.token_id == token_id).values(withdrawn_at=at))
            keep(connection, trail)

        await self._store.write(change)
        self.known[token_id] = replace(known, withdrawn_at=at)


def _keep(connection: Connection, standing: Standing, trail: Any) -> None:
    here = tokens.c.token_id == standing.token_id
    if connection.execute(select(tokens.c.token_id).where(here)).one_or_none() is None:
        connection.execute(insert(tokens).values(**vars(standing)))
        keep(connection, trail)
