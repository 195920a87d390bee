"""What a family offers for its tasks to be validated."""

from collections.abc import Sequence
from typing import Final, Protocol

ORACLE: Final = "oracle"
NOOP: Final = "noop"
FULL: Final = 1.0


class Trials(Protocol):
    """Tasks by their names, and what each player is given for one of them.

    Players are the oracle, which does what is asked, the no-op, which does nothing, and the controls,
    which do everything but what is asked.
    """

    @property
    def tasks(self) -> Sequence[str]: ...

    @property
    def controls(self) -> Sequence[str]: ...

    @property
    def at_once(self) -> int:
        """How many tasks are tried at the same time."""

    async def reward(self, task: int, player: str) -> float:
        """Errors: Failure, where the player is given no reward."""
