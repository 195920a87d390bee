"""What both forms of the token store check of a record, and the order they keep."""

from collections.abc import Iterable

from services.contracts.token_record import CallHeader, TokenRecord
from services.transport.token_store.port import DamagedRecord


def check_digest(record: TokenRecord) -> TokenRecord:
    """The record itself, or DamagedRecord."""
    if record.arrays.digest() != record.header.digest:
        raise DamagedRecord(f"call {record.header.call_id} of rollout {record.header.rollout_id}")
    return record


def in_order(headers: Iterable[CallHeader]) -> list[CallHeader]:
    """Calls by their index."""
    return sorted(headers, key=lambda header: header.index)
