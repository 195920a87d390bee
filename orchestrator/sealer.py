"""Seals what environments reported: reads its token records, and forgets those that nobody will train."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from orchestrator.attempts import Ending, Rules, fail, score
from orchestrator.board import Board
from orchestrator.changes import Change, GroupMoved, RolloutMoved
from orchestrator.journal import Journal
from orchestrator.lifecycle import GroupState, RolloutState
from orchestrator.loop import OUTAGES
from orchestrator.sealing import Score
from orchestrator.sealing import score as score_of
from services.contracts.cause import Cause
from services.transport.token_store import TokenStore

log = structlog.get_logger()

_WORKERS = 8
_PAUSE_S = 0.5

Attempt = tuple[str, int]


class Sealer:
    """Never reads token arrays. What it cannot do while Redis or the store is away, it does later."""

    def __init__(
        self, journal: Journal, board: Board, tokens: TokenStore, rules: Callable[[], Rules]
    ) -> None:
        self._journal = journal
        self._board = board
        self._tokens = tokens
        self._rules = rules
        self._reported: asyncio.Queue[Attempt] = asyncio.Queue()
        self._useless: asyncio.Queue[Attempt] = asyncio.Queue()

    def begin(self) -> None:
        """Take up what was reported and not sealed before a restart."""
        for live in self._board.rollouts.values():
            if live.state == RolloutState.REPORTED:
                self._reported.put_nowait((live.rollout_id, live.attempt))

    def notice(self, change: Change) -> None:
        """To be told before the board: a group that is dropped is still on it."""
        match change:
            case RolloutMoved(state=RolloutState.REPORTED):
                self._reported.put_nowait((change.rollout_id, change.attempt))
            case RolloutMoved(state=RolloutState.FAILED):
                self._useless.put_nowait((change.rollout_id, change.attempt))
            case RolloutMoved() if change.retried is not None:
                self._useless.put_nowait((change.rollout_id, change.attempt - 1))
            case GroupMoved(state=GroupState.DROPPED, staleness=None) if (
                change.group_id in self._board.groups
            ):
                for attempt in self._board.groups[change.group_id].rollouts:
                    self._useless.put_nowait(attempt)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_WORKERS):
                tasks.create_task(self._work(self._reported, self._seal))
            tasks.create_task(self._work(self._useless, self._forget))

    async def _work(self, queue: asyncio.Queue[Attempt], do: Callable[[str, int], Awaitable[None]]) -> None:
        while True:
            rollout_id, attempt = await queue.get()
            try:
                await do(rollout_id, attempt)
            except OUTAGES as error:
                log.warning("outage", loop="sealer", error=str(error))
                queue.put_nowait((rollout_id, attempt))
                await asyncio.sleep(_PAUSE_S)

    async def _seal(self, rollout_id: str, attempt: int) -> None:
        scored = await self._scored(rollout_id, attempt)
        if isinstance(scored, str):
            ending = Ending(Cause.LOST, scored, frozenset({RolloutState.REPORTED}))
            change = partial(fail, ending=ending)
        else:
            change = partial(score, scored=scored)
        await self._journal.commit(
            partial(change, rollout_id=rollout_id, attempt=attempt, rules=self._rules())
        )

    async def _scored(self, rollout_id: str, attempt: int) -> Score | str:
        """What the records amount to, or why they are as good as lost: none may stop the others."""
        try:
            scored = score_of(await self._tokens.headers(rollout_id, attempt))
        except OUTAGES:
            raise
        except Exception as error:  # boundary: records that nobody can read
            log.error("records not readable", rollout_id=rollout_id, attempt=attempt, error=repr(error))
            return f"its token records cannot be read: {error!r}"
        return "no token records of it are left" if scored is None else scored

    async def _forget(self, rollout_id: str, attempt: int) -> None:
        await self._tokens.discard(rollout_id, attempt)
