"""Weight announcements in memory."""

from services.contracts.weights import WeightAnnouncement


class MemoryWeightChannel:
    """Keeps the newest announcement for the life of the process."""

    def __init__(self) -> None:
        self._latest: WeightAnnouncement | None = None

    async def announce(self, announcement: WeightAnnouncement) -> None:
        if self._latest is None or announcement.version >= self._latest.version:
            self._latest = announcement

    async def latest(self) -> WeightAnnouncement | None:
        return self._latest
