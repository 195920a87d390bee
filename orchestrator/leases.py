"""Leases: a rollout belongs to its environment as long as heartbeats name it, and not past its deadline.

Leases live in memory and run on the monotonic clock. After a restart every running rollout gets a
fresh one, so that its environment can be heard from again.
"""

import time
from collections.abc import Callable
from functools import partial

from orchestrator.attempts import Ending, Rules, accept, fail
from orchestrator.board import Board, LiveRollout
from orchestrator.journal import Journal
from orchestrator.lifecycle import LIVE_ROLLOUT, RolloutState
from orchestrator.loop import repeat
from orchestrator.registry import Registry
from services.contracts.cause import Cause
from services.contracts.environment import Heartbeat, HeartbeatReply
from services.contracts.environment import LiveRollout as Running
from services.kit.crash import CrashPoints

_LOOK_S = 0.25
_UNSCORED = LIVE_ROLLOUT - {RolloutState.SCORED}


class Leases:
    """`on_expired` hears of each lease that ran out."""

    def __init__(
        self,
        journal: Journal,
        board: Board,
        registry: Registry,
        rules: Callable[[], Rules],
        *,
        lease_s: float,
        on_expired: Callable[[], None] = lambda: None,
        crash: CrashPoints | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._board = board
        self._registry = registry
        self._rules = rules
        self._lease_s = lease_s
        self._on_expired = on_expired
        self._crash = crash or CrashPoints()
        self._clock = clock

    def begin(self) -> None:
        """Give everything that runs a lease and a deadline from now."""
        for live in self._board.running():
            self._renew(live)

    async def heartbeat(self, name: str, heartbeat: Heartbeat) -> HeartbeatReply:
        """Renew what the environment runs, and tell it what to stop."""
        if not self._registry.heard(name):
            return HeartbeatReply(registered=False)
        self._crash.reached("before_renewal")
        stop = []
        for running in heartbeat.running:
            live = self._board.rollouts.get(running.rollout_id)
            if live is None or live.attempt != running.attempt or live.environment != name:
                stop.append(running)
            elif live.state == RolloutState.RUNNING:
                live.lease_until = self._clock() + self._lease_s
            elif live.state == RolloutState.QUEUED:
                await self._taken(live, running)
        self._crash.reached("after_renewal")
        return HeartbeatReply(stop=tuple(stop))

    async def run(self) -> None:
        await repeat("leases", self.expire, _LOOK_S)

    async def expire(self) -> None:
        """End what nobody renews, what outlived its deadline, and what waits for one long gone."""
        now = self._clock()
        for live in list(self._board.rollouts.values()):
            ending = self._over(live, now)
            if ending is None:
                continue
            if ending.cause == Cause.LOST:
                self._on_expired()
            end = partial(fail, rollout_id=live.rollout_id, attempt=live.attempt, ending=ending)
            await self._journal.commit(partial(end, rules=self._rules()))

    def _over(self, live: LiveRollout, now: float) -> Ending | None:
        if now > live.group.deadline and live.state != RolloutState.SCORED:
            return Ending(Cause.CANCELLED, "the deadline of its group is over", _UNSCORED)
        if live.state == RolloutState.RUNNING:
            if now > live.deadline:
                return Ending(Cause.ENVIRONMENT, "its environment did not end it at its deadline")
            if now > live.lease_until:
                return Ending(Cause.LOST, "its lease ran out: its environment was not heard of it")
        elif live.state == RolloutState.QUEUED:
            silent_s = self._registry.silent_s(live.environment)
            if silent_s > self._registry.deadline_s(live.environment) + self._lease_s:
                return Ending(
                    Cause.LOST, "its environment has not been heard from for longer than a deadline"
                )
        return None

    async def _taken(self, live: LiveRollout, running: Running) -> None:
        """It runs although the reply that it was accepted never arrived."""
        self._renew(live)
        now = time.time()
        await self._journal.commit(
            lambda connection: accept(connection, running.rollout_id, running.attempt, now)
        )

    def _renew(self, live: LiveRollout) -> None:
        now = self._clock()
        live.lease_until = now + self._lease_s
        live.deadline = now + self._registry.deadline_s(live.environment) + self._lease_s
