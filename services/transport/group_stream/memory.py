"""The stream of sealed groups in memory."""

import asyncio
from itertools import count

from services.contracts.sealed_group import SealedGroup
from services.transport.group_stream.port import Delivery


class MemoryGroupStream:
    """One consumer; groups live as long as the process."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._new: dict[str, SealedGroup] = {}
        self._delivered: dict[str, SealedGroup] = {}
        self._arrival = asyncio.Event()

    async def append(self, group: SealedGroup) -> str:
        entry_id = f"{next(self._ids)}-0"
        self._new[entry_id] = group.checked()
        self._arrival.set()
        return entry_id

    async def read(self, count: int, wait_s: float) -> list[Delivery]:
        if not self._new:
            self._arrival.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._arrival.wait()
            except TimeoutError:
                return []
        taken = list(self._new.items())[:count]
        for entry_id, _ in taken:
            self._delivered[entry_id] = self._new.pop(entry_id)
        return [Delivery(entry_id, group) for entry_id, group in taken]

    async def unacknowledged(self) -> list[Delivery]:
        return [Delivery(entry_id, group) for entry_id, group in self._delivered.items()]

    async def acknowledge(self, entry_ids: list[str]) -> None:
        for entry_id in entry_ids:
            self._delivered.pop(entry_id, None)

    async def backlog(self) -> int:
        return len(self._new) + len(self._delivered)

    async def group_ids(self) -> set[str]:
        return {group.group_id for group in (*self._new.values(), *self._delivered.values())}
