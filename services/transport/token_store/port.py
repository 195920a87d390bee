"""What a token store promises."""

from typing import Protocol

from services.contracts.token_record import CallHeader, TokenRecord


class DamagedRecord(Exception):
    """A stored record does not match its digest; its rollout is lost."""


class TokenStore(Protocol):
    """Token records of each rollout attempt, in the order of their calls."""

    async def append(self, record: TokenRecord) -> None:
        """Keep a record. When this returns, the record survives the gateway's death.

        The same call again replaces itself. Raises DamagedRecord if the header's digest is not the
        digest of the arrays, ValueError if the record cannot be (`TokenRecord.checked`).
        """

    async def headers(self, rollout_id: str, attempt: int) -> list[CallHeader]:
        """The calls without their arrays; an empty list if nothing is kept."""

    async def records(self, rollout_id: str, attempt: int) -> list[TokenRecord]:
        """The calls whole. Raises DamagedRecord if one does not match its digest."""

    async def discard(self, rollout_id: str, attempt: int) -> None:
        """Forget an attempt; nothing happens if it is not kept."""
