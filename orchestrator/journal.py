"""The one way in which state changes: commit first, then tell the live state, in the order of commits."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from orchestrator.changes import Change, Changes
from orchestrator.store import Store
from services.kit.crash import CrashPoints

Listener = Callable[[Change], None]


class Journal:
    """Commits changes and tells listeners, each change once. A listener must not wait or raise."""

    def __init__(self, store: Store, crash: CrashPoints | None = None) -> None:
        self._store = store
        self._crash = crash or CrashPoints()
        self._listeners: Sequence[Listener] = ()

    def tell(self, *listeners: Listener) -> None:
        """Set who hears of changes, in this order."""
        self._listeners = listeners

    async def commit(self, change: Callable[[Connection], Changes]) -> Changes:
        """Returns once the changes are durable and told. Raises what `Store.write` raises."""
        self._crash.reached("before_commit")
        return await self._store.write(change, self._told)

    def _told(self, changes: Changes) -> None:
        self._crash.reached("after_commit")
        for change in changes:
            for listener in self._listeners:
                listener(change)
