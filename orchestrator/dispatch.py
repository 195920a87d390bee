"""Sends rollouts to their environments, and opens groups where there is room for them."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import httpx
import structlog

from orchestrator.attempts import Ending, Rules, accept, fail
from orchestrator.balance import Account, charge, choose
from orchestrator.board import Board, LiveRollout
from orchestrator.changes import Change
from orchestrator.environment import Environment
from orchestrator.gate import Gate
from orchestrator.journal import Journal
from orchestrator.loop import OUTAGES, repeat
from orchestrator.opening import Draw, open_all
from orchestrator.registry import Registry
from orchestrator.tasks import Curriculum
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess, RolloutRequest, Sampling
from services.kit.access import Claims, Scope, Signer

log = structlog.get_logger()

_IDLE_S = 0.25
_MOST_OPENED = 4  # in one commit, so that what moves meanwhile is heeded soon
_SEND_TIMEOUT_S = 15.0
_LATE_REPORTS_S = 86_400.0
_REFUSED_FOR_NOW = frozenset({401, 403, 404, 408, 429, 503})


@dataclass(frozen=True)
class DispatchRules:
    """What goes into a request, how many rollouts live at once, and how groups are drawn."""

    orchestrator_url: str
    gateway_url: str
    model_name: str
    sampling: Sampling
    lease_s: float
    max_concurrent: int
    group_size: int
    extra: int
    curriculum: Curriculum | None
    train_split: str
    seed: int
    debt_cap: float


class Dispatcher:
    """One loop; every send is a task of its own, so that nobody waits for a slow environment."""

    def __init__(
        self,
        journal: Journal,
        board: Board,
        registry: Registry,
        gate: Gate,
        client: httpx.AsyncClient,
        signer: Signer,
        dispatch_rules: DispatchRules,
        rules: Callable[[], Rules],
    ) -> None:
        self._journal = journal
        self._board = board
        self._registry = registry
        self._gate = gate
        self._client = client
        self._signer = signer
        self._how = dispatch_rules
        self._rules = rules
        self._wake = asyncio.Event()
        self.opening = False  # groups to open are on their way to the store

    def notice(self, change: Change) -> None:
        """Anything that moved may have made room."""
        self._wake.set()

    def wake(self) -> None:
        """Look again now."""
        self._wake.set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as sends:
            await repeat("dispatch", lambda: self._round(sends), _IDLE_S, self._wake)

    async def _round(self, sends: asyncio.TaskGroup) -> None:
        self._send_waiting(sends)
        while plan := self._plan():
            self.opening = True
            try:
                await self._journal.commit(partial(open_all, draws=plan, now=time.time()))
            finally:
                self.opening = False
            self._send_waiting(sends)

    def _send_waiting(self, sends: asyncio.TaskGroup) -> None:
        if self._gate.position == "halted":
            return
        for environment in self._registry.environments.values():
            while self._registry.can_take(environment):
                live = self._board.claim(environment.name)
                if live is None:
                    break
                environment.sending += 1
                sends.create_task(self._send(live, live.attempt, environment))

    def room(self) -> int:
        """Groups that the platform's limit of concurrent rollouts leaves room for."""
        free = self._how.max_concurrent - self._board.occupied()
        return max(0, free // self._rollouts_of_a_group)

    @property
    def _rollouts_of_a_group(self) -> int:
        return self._how.group_size + self._how.extra

    def _plan(self) -> list[Draw]:
        """Groups to open in one commit: whoever is owed most first, while it could start on them."""
        most = min(self._gate.verdict().groups, self.room(), _MOST_OPENED)
        accounts, planned, draws = self._registry.accounts(), Counter[str](), list[Draw]()
        while len(draws) < most and (name := choose(accounts, self._registry.ready(planned))):
            environment = self._registry.environments[name]
            cost = self._registry.cost(environment)
            accounts = charge(accounts, name, self._how.debt_cap, cost)
            planned[name] += self._rollouts_of_a_group
            draws.append(self._draw(environment, accounts, cost))
        return draws

    def _draw(self, environment: Environment, accounts: Sequence[Account], cost: float) -> Draw:
        split = self._how.train_split
        return Draw(
            seed=self._how.seed,
            environment=environment.name,
            split=split,
            tasks=environment.manifest.splits[split],
            size=self._how.group_size,
            accounts=accounts,
            cost=cost,
            extra=self._how.extra,
            curriculum=self._how.curriculum,
        )

    async def _send(self, live: LiveRollout, attempt: int, environment: Environment) -> None:
        """Send one attempt; whatever comes of it, the rollout is claimed no longer than that."""
        try:
            await self._offer(live, attempt, environment)
        except OUTAGES as error:
            log.warning("outage", loop="send", error=str(error))
            self._board.release(live, attempt)
        finally:
            environment.sending -= 1
            self._wake.set()

    async def _offer(self, live: LiveRollout, attempt: int, environment: Environment) -> None:
        try:
            response = await self._client.post(
                f"{environment.url}/v1/rollouts",
                content=self._request(live, attempt).model_dump_json(),
                headers={
                    "authorization": f"Bearer {environment.dispatch_token}",
                    "content-type": "application/json",
                },
                timeout=_SEND_TIMEOUT_S,
            )
        except httpx.HTTPError as failure:
            log.warning("environment does not answer", environment=environment.name, error=repr(failure))
            environment.refusals.failed()
            self._board.release(live, attempt)
            return
        if response.status_code in (200, 202):
            environment.refusals.succeeded()
            await self._accepted(live, attempt)
        elif response.status_code in _REFUSED_FOR_NOW:
            environment.refusals.failed(_retry_after_s(response))
            self._board.release(live, attempt)
        else:
            environment.refusals.failed()
            error = f"the environment refused it with {response.status_code}: {response.text[:2000]}"
            ending = Ending(Cause.ENVIRONMENT, error)
            await self._journal.commit(
                lambda connection: fail(connection, live.rollout_id, attempt, ending, self._rules())
            )

    async def _accepted(self, live: LiveRollout, attempt: int) -> None:
        if live.attempt == attempt:
            now = time.monotonic()
            live.lease_until = now + self._how.lease_s
            live.deadline = now + self._registry.deadline_s(live.environment) + self._how.lease_s
        await self._journal.commit(
            partial(accept, rollout_id=live.rollout_id, attempt=attempt, now=time.time())
        )

    def _request(self, live: LiveRollout, attempt: int) -> RolloutRequest:
        how, sampling = self._how, live.group.sampling or self._how.sampling
        deadline_s = self._registry.deadline_s(live.environment)
        model = Claims(Scope.ROLLOUT, live.rollout_id, attempt, **sampling.model_dump())
        report = Claims(Scope.REPORT, live.rollout_id, attempt)
        return RolloutRequest(
            rollout_id=live.rollout_id,
            attempt=attempt,
            task=live.group.task,
            model=ModelAccess(
                base_url=f"{how.gateway_url}/v1",
                api_key=self._signer.mint(model, deadline_s + how.lease_s),
                name=how.model_name,
                sampling=sampling,
            ),
            deadline_s=deadline_s,
            report_url=f"{how.orchestrator_url}/v1/rollouts/{live.rollout_id}/attempts/{attempt}/outcome",
            report_token=self._signer.mint(report, deadline_s + _LATE_REPORTS_S),
        )


def _retry_after_s(response: httpx.Response) -> float:
    """The wait that the environment asks for, at most half a minute."""
    try:
        return min(30.0, max(0.0, float(response.headers.get("retry-after", 0))))
    except ValueError:
        return 0.0
