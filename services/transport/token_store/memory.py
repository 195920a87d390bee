"""Token records in memory."""

from collections import defaultdict

from services.contracts.token_record import CallHeader, TokenRecord
from services.transport.token_store.integrity import check_digest, in_order


class MemoryTokenStore:
    """Keeps records for the life of the process."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, int], dict[str, TokenRecord]] = defaultdict(dict)

    async def append(self, record: TokenRecord) -> None:
        header = check_digest(record.checked()).header
        self._calls[header.rollout_id, header.attempt][header.call_id] = record

    async def headers(self, rollout_id: str, attempt: int) -> list[CallHeader]:
        return in_order(record.header for record in self._calls.get((rollout_id, attempt), {}).values())

    async def records(self, rollout_id: str, attempt: int) -> list[TokenRecord]:
        calls = self._calls.get((rollout_id, attempt), {})
        return [check_digest(calls[header.call_id]) for header in await self.headers(rollout_id, attempt)]

    async def discard(self, rollout_id: str, attempt: int) -> None:
        self._calls.pop((rollout_id, attempt), None)
