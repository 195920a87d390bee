"""The stall detector: who stands still, what for, and because of whom."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import structlog
from pydantic import Field

from orchestrator.board import Board
from orchestrator.changes import Change, GroupOpened
from orchestrator.dispatch import Dispatcher
from orchestrator.gate import Gate
from orchestrator.loop import repeat
from orchestrator.registry import Registry
from services.contracts.words import Word

log = structlog.get_logger()

_LOOK_S = 0.1

Reason = Literal[
    "heartbeat",
    "refusal",
    "failures",
    "slots",
    "admission",
    "engines",
    "learner",
    "groups",
    "room",
    "store",
    "tasks",
]


class Wait(Word):
    """Somebody who could go on but for something. `on`: environments, the learner, engines, people."""

    who: str = Field(description="`learner`, or an environment")
    reason: Reason
    on: tuple[str, ...]
    seconds: float = 0.0


@dataclass(frozen=True)
class Standing:
    """How one environment stands. `could_start`: it has tasks and free slots and answers."""

    name: str
    obstacle: Reason | None
    could_start: bool


@dataclass(frozen=True)
class Situation:
    """What decides about the next group. `opening`: groups to open are on their way to the store. Counters
    are by environment: open groups, and rollouts under way."""

    standings: tuple[Standing, ...]
    limit: str
    has_room: bool
    hungry: bool
    open_groups: Counter[str]
    occupants: Counter[str]
    opening: bool = False


def waits(situation: Situation) -> tuple[Wait, ...]:
    """Who waits for what, the environments first."""
    found = [wait for standing in situation.standings if (wait := _of_environment(standing, situation))]
    if situation.hungry:
        groups = situation.open_groups
        found.append(Wait(who="learner", reason="groups", on=_most(groups) or ("orchestrator",)))
    return tuple(found)


def blocked(situation: Situation) -> frozenset[str]:
    """Environments that could start on a group at once and get none because of another one.

    Either admission has a group to give and nobody is given it, or everything that may be open is open,
    the learner goes hungry, and another environment holds more of it.
    """
    ready = [standing.name for standing in situation.standings if standing.could_start]
    if situation.limit == "none" and situation.has_room:
        return frozenset() if situation.opening else frozenset(ready)
    if (situation.limit == "staleness" and not situation.hungry) or situation.limit not in (
        "none",
        "staleness",
    ):
        return frozenset()
    held = situation.open_groups if situation.limit == "staleness" else situation.occupants
    return frozenset(name for name in ready if any(held[other] > held[name] for other in held))


def _of_environment(standing: Standing, situation: Situation) -> Wait | None:
    name = standing.name
    if standing.obstacle is not None:
        return Wait(who=name, reason=standing.obstacle, on=(name,))
    if situation.limit in ("paused", "halted"):
        return Wait(who=name, reason="admission", on=("people",))
    if situation.limit == "engines":
        return Wait(who=name, reason="engines", on=("engines",))
    if situation.limit == "stream" or (situation.limit == "staleness" and not situation.hungry):
        return Wait(who=name, reason="learner", on=("learner",))
    if situation.limit == "staleness":
        return Wait(who=name, reason="groups", on=_most(situation.open_groups))
    if not situation.has_room:
        return Wait(who=name, reason="room", on=_most(situation.occupants))
    return Wait(who=name, reason="store", on=("store",)) if situation.opening else None


def _most(counter: Counter[str]) -> tuple[str, ...]:
    """Names by number, the greatest first."""
    return tuple(name for name, number in counter.most_common() if number > 0)


class Stalls:
    """Looks several times a second, remembers since when each wait lasts, and logs those that are long.

    `blocked_s` adds up, by environment, looks in a row in which it was blocked and no group was opened;
    `store_s` those in which groups to open were on their way to the store.
    """

    def __init__(
        self,
        board: Board,
        registry: Registry,
        gate: Gate,
        dispatcher: Dispatcher,
        stall_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._board, self._registry, self._gate, self._dispatcher = board, registry, gate, dispatcher
        self._stall_s, self._clock = stall_s, clock
        self._since: dict[tuple[str, str], float] = {}
        self._logged: set[tuple[str, str]] = set()
        self._waits: tuple[Wait, ...] = ()
        self._blocked: frozenset[str] = frozenset()
        self._looked_at = clock()
        self._opened = self._storing = False
        self.store_s = 0.0
        self.blocked_s: defaultdict[str, float] = defaultdict(float)

    def notice(self, change: Change) -> None:
        self._opened |= isinstance(change, GroupOpened)

    async def run(self) -> None:
        await repeat("stalls", self.look, _LOOK_S)

    def waits(self) -> tuple[Wait, ...]:
        """As of the last look, the longest first."""
        now = self._clock()
        known = (
            wait.model_copy(update={"seconds": round(now - self._since[wait.who, wait.reason], 1)})
            for wait in self._waits
        )
        return tuple(sorted(known, key=lambda wait: -wait.seconds))

    async def look(self) -> None:
        now, situation = self._clock(), self._situation()
        stuck = blocked(situation)
        self.store_s += (now - self._looked_at) if self._storing and situation.opening else 0.0
        self._storing = situation.opening
        if not self._opened:
            for name in stuck & self._blocked:
                self.blocked_s[name] += now - self._looked_at
        self._blocked, self._opened, self._looked_at = stuck, False, now
        self._waits = waits(situation)
        keys = [(wait.who, str(wait.reason)) for wait in self._waits]
        self._since = {key: self._since.get(key, now) for key in keys}
        self._logged &= set(keys)
        self._log(now, self._waits)

    def _log(self, now: float, found: Iterable[Wait]) -> None:
        for wait in found:
            key = (wait.who, str(wait.reason))
            if key not in self._logged and now - self._since[key] > self._stall_s:
                self._logged.add(key)
                log.warning("stalled", who=wait.who, reason=wait.reason, on=wait.on, seconds=self._stall_s)

    def _situation(self) -> Situation:
        ready = set(self._registry.ready())
        shares = {account.name: account.share for account in self._registry.accounts()}
        standings = tuple(
            Standing(name, obstacle, name in ready and shares.get(name, 0.0) > 0)
            for name, obstacle in self._registry.obstacles().items()
        )
        return Situation(
            standings=standings,
            limit=self._gate.verdict().limit,
            has_room=self._dispatcher.room() > 0,
            opening=self._dispatcher.opening,
            hungry=self._gate.hungry,
            open_groups=self._board.open_groups(),
            occupants=self._board.occupants(),
        )
