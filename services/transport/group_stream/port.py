"""What the stream of sealed groups promises."""

from dataclasses import dataclass
from typing import Protocol

from services.contracts.sealed_group import SealedGroup


@dataclass(frozen=True)
class Delivery:
    """A group and the stream entry to acknowledge for it."""

    entry_id: str
    group: SealedGroup


class GroupStream(Protocol):
    """Delivers each group at least once, oldest first; what is not acknowledged comes again."""

    async def append(self, group: SealedGroup) -> str:
        """Add a group; returns its entry id. Raises ValueError on a non-finite number."""

    async def read(self, count: int, wait_s: float) -> list[Delivery]:
        """At most `count` groups not yet handed out, waiting at most `wait_s` seconds for the first.

        It may return sooner with nothing. Cancelled, it loses nothing: the next read has the groups.
        """

    async def unacknowledged(self) -> list[Delivery]:
        """Groups delivered before and never acknowledged: what a restarted learner reads first."""

    async def acknowledge(self, entry_ids: list[str]) -> None:
        """Remove entries; call it only once what they led to is durable."""

    async def backlog(self) -> int:
        """Entries not yet acknowledged, delivered or not."""

    async def group_ids(self) -> set[str]:
        """The groups in the stream, so that lost ones can be told and appended again."""
