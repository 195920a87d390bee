"""What the channel of weight announcements promises."""

from typing import Protocol

from services.contracts.weights import WeightAnnouncement


class WeightChannel(Protocol):
    """Keeps the newest announcement; a late reader sees it too."""

    async def announce(self, announcement: WeightAnnouncement) -> None:
        """Publish; an announcement older than the newest is ignored."""

    async def latest(self) -> WeightAnnouncement | None:
        """The newest announcement, or None before the first."""
