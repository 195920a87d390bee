"""Tokens: mint, list, replace and withdraw those that people and processes hold."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from orchestrator.api.access import Idempotency, Person, TheOrchestrator, allow, problems
from orchestrator.audit import Who
from orchestrator.parts import Orchestrator
from orchestrator.standing import Standing, TokenRequest
from services.contracts.words import Id, Word
from services.kit.access import Scope

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])


class TokenView(Word):
    """One token, without what would open anything."""

    token_id: Id
    scope: Scope
    holder: str | None
    environment: str | None
    state: Literal["active", "expired", "withdrawn"]
    created_at: float = Field(description="or first seen, if it was minted elsewhere")
    expires_at: float
    withdrawn_at: float | None
    replaces: Id | None
    used_at: float | None = Field(description="since this process started")


class TokenMinted(TokenView):
    """The token itself is told this once."""

    token: str = Field(repr=False)


class TokenPage(Word):
    """Tokens, newest first; `next` is what to pass as `after` for more."""

    tokens: tuple[TokenView, ...]
    next: Id | None


class Rotation(Word):
    grace_s: float = Field(default=0.0, ge=0, le=7 * 86_400.0, description="how long the old one still opens")


@router.post("", status_code=201, summary="Mint a token", responses=problems(409))
async def mint_token(
    request: TokenRequest, orchestrator: TheOrchestrator, claims: Person, key: Idempotency = None
) -> TokenMinted:
    """The record keeps its SHA-256 digest. The same idempotency key gives the same token again."""
    standing = orchestrator.standing
    token = await standing.mint(request, Who.bears(claims), key)
    token_id = orchestrator.signer.verify(token).token_id
    return TokenMinted(token=token, **dict(_view(orchestrator, standing.named(str(token_id)))))


@router.get("", summary="List tokens", dependencies=allow(), responses=problems())
async def list_tokens(
    orchestrator: TheOrchestrator,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[Id | None, Query(description="the last id of the page before")] = None,
) -> TokenPage:
    order = sorted(orchestrator.standing.known.values(), key=lambda one: (-one.created_at, one.token_id))
    ids = [one.token_id for one in order]
    start = ids.index(after) + 1 if after in ids else 0
    page = tuple(_view(orchestrator, one) for one in order[start : start + limit])
    return TokenPage(tokens=page, next=page[-1].token_id if len(order) > start + limit else None)


@router.post("/{token_id}/rotate", status_code=201, summary="Replace a token", responses=problems(404, 409))
async def rotate_token(
    token_id: Id, rotation: Rotation, orchestrator: TheOrchestrator, claims: Person
) -> TokenMinted:
    """A token with the same scope, holder and lifetime; the old one is withdrawn after `grace_s`."""
    token, standing = await orchestrator.standing.rotate(token_id, rotation.grace_s, Who.bears(claims))
    return TokenMinted(token=token, **dict(_view(orchestrator, standing)))


@router.delete("/{token_id}", status_code=204, summary="Withdraw a token", responses=problems(404))
async def withdraw_token(token_id: Id, orchestrator: TheOrchestrator, claims: Person) -> None:
    """It opens nothing from now on."""
    await orchestrator.standing.withdraw(token_id, Who.bears(claims))


def _view(orchestrator: Orchestrator, standing: Standing) -> TokenView:
    told = {name: value for name, value in vars(standing).items() if name != "digest"}
    return TokenView(
        **told,
        state=standing.state(time.time()),
        used_at=orchestrator.standing.used_at.get(standing.token_id),
    )
