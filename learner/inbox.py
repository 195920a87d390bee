"""Groups that the stream delivered and no step has consumed yet: each once, oldest first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from services.contracts.sealed_group import SealedGroup
from services.transport.group_stream import Delivery, GroupStream

_PAGE = 256
_PATIENCE_S = 5.0


@dataclass
class _Waiting:
    group: SealedGroup
    entry_ids: list[str] = field(default_factory=list)


class Inbox:
    """Reads the stream to its end before it chooses, so that the order of arrival does not matter.

    Groups whose ids a checkpoint has already consumed are acknowledged and never handed out again.
    """

    def __init__(self, stream: GroupStream, consumed: Collection[str]) -> None:
        self._stream = stream
        self._consumed = set(consumed)
        self._waiting: dict[str, _Waiting] = {}
        self._duplicates: list[str] = []

    async def recover(self) -> None:
        """Take up again what was delivered before this process started."""
        self._accept(await self._stream.unacknowledged())

    async def take(self, count: int) -> list[SealedGroup]:
        """The `count` oldest groups, once there are so many. They keep waiting until `consume`."""
        while await self._read(wait=len(self._waiting) < count) or len(self._waiting) < count:
            pass
        groups = sorted((waiting.group for waiting in self._waiting.values()), key=_age)
        return groups[:count]

    async def consume(self, groups: Sequence[SealedGroup]) -> None:
        """Acknowledge groups; call it only once a checkpoint that contains their step is durable."""
        entries = [entry for group in groups for entry in self._waiting.pop(group.group_id).entry_ids]
        self._consumed.update(group.group_id for group in groups)
        await self._stream.acknowledge(entries)

    async def _read(self, *, wait: bool) -> bool:
        """Whether anything new came."""
        deliveries = await self._stream.read(_PAGE, _PATIENCE_S if wait else 0.0)
        self._accept(deliveries)
        if self._duplicates:
            await self._stream.acknowledge(self._duplicates)
            self._duplicates.clear()
        return bool(deliveries)

    def _accept(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.group.group_id in self._consumed:
                self._duplicates.append(delivery.entry_id)
                continue
            waiting = self._waiting.setdefault(delivery.group.group_id, _Waiting(delivery.group))
            if delivery.entry_id not in waiting.entry_ids:
                waiting.entry_ids.append(delivery.entry_id)


def _age(group: SealedGroup) -> tuple[int, float, str]:
    return group.oldest_version, group.sealed_at, group.group_id
