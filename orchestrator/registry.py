"""The environments that there are: registration, heartbeats, what they are owed, and who can take work."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import Any

import httpx
from sqlalchemy import Connection, delete, insert, select, update

from orchestrator.audit import Audited, Who, keep
from orchestrator.balance import Account, charge, refund
from orchestrator.board import Board
from orchestrator.changes import Change, GroupHeld, GroupMoved, RolloutMoved
from orchestrator.environment import RECENT, Condition, Environment, Obstacle
from orchestrator.fate import Grouping
from orchestrator.lifecycle import GroupState
from orchestrator.manifest import read_manifest
from orchestrator.store import Store
from orchestrator.store.tables import environments, groups
from orchestrator.weighting import Contender, Weighting, portions
from services.contracts.environment import Manifest, Registration
from services.kit.address import Allowance, target
from services.kit.failure import Missing
from services.kit.seal import Seal

_MOST_SENDING = 64  # a service that starts is not met by a thousand connections at once


class Registry:
    """Environments by name. What people set is on the record before it counts."""

    def __init__(
        self,
        store: Store,
        board: Board,
        client: httpx.AsyncClient,
        *,
        lease_s: float,
        debt_cap: float,
        deadline_s: float,
        train_split: str,
        weighting: Weighting = Weighting(),
        grouping: Grouping = Grouping(),
        most_replaced: int = 8,
        seal: Seal,
        allowance: Allowance,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._board = board
        self._client = client
        self._lease_s = lease_s
        self._debt_cap = debt_cap
        self._deadline_s = deadline_s
        self._split = train_split
        self._weighting = weighting
        self._grouping = grouping
        self._most_replaced = most_replaced
        self._seal = seal
        self._allowance = allowance
        self._clock = clock
        self.environments: dict[str, Environment] = {}

    def load(self, connection: Connection) -> None:
        """Take over what the record has; everyone gets a lease to be heard from again."""
        for row in connection.execute(select(environments)):
            opened = {
                "manifest": Manifest.model_validate(row.manifest),
                "dispatch_token": self._seal.open(row.dispatch_token),
            }
            self.environments[row.name] = Environment(**{**row._asdict(), **opened}, heard_at=self._clock())
            self._learn(connection, self.environments[row.name])

    def _learn(self, connection: Connection, environment: Environment) -> None:
        """Spread and tokens of what was sealed lately."""
        recent = (
            select(groups.c.reward_std, groups.c.sampled_tokens)
            .where(groups.c.environment == environment.name, groups.c.purpose == "train")
            .where(groups.c.reward_std.is_not(None))
            .order_by(groups.c.seq.desc())
            .limit(RECENT)
        )
        for spread, tokens in connection.execute(recent):
            environment.spreads.appendleft(spread)
            environment.tokens.appendleft(tokens)

    def named(self, name: str) -> Environment:
        """Raises Missing."""
        if name not in self.environments:
            known = ", ".join(sorted(self.environments)) or "none"
            raise Missing(f"no environment '{name}'", field="name", value=name, remedy=f"registered: {known}")
        return self.environments[name]

    async def register(self, registration: Registration, who: Who) -> Environment:
        """Make an environment known, or known again at another address.

        The share and limits that were changed since stay. Raises Refused for an address or a manifest
        that will not do, Unavailable if nobody answers there.
        """
        target(registration.url, self._allowance)
        manifest = await read_manifest(self._client, registration)
        known, url = self.environments.get(registration.name), registration.url.rstrip("/")
        values: dict[str, Any] = {
            "url": url,
            "dispatch_token": self._seal.close(registration.dispatch_token),
            "manifest": manifest.model_dump(mode="json"),
        }
        before = known and known.url
        trail = (
            [Audited(f"environment/{registration.name}", "url", before, url, who)] if before != url else []
        )
        if known is None:
            values |= {
                "name": registration.name,
                "share": registration.share,
                "max_in_flight": registration.max_in_flight,
                "state": "active",
                "credit": 0.0,
                "registered_at": time.time(),
            }
            await self._store.write(lambda connection: _insert(connection, values, trail))
            opened = {"manifest": manifest, "dispatch_token": registration.dispatch_token}
            known = Environment(**{**values, **opened}, heard_at=self._clock())
            return self.environments.setdefault(registration.name, known)
        await self._store.write(lambda connection: _update(connection, registration.name, values, trail))
        known.url, known.dispatch_token = values["url"], registration.dispatch_token
        known.manifest, known.heard_at = manifest, self._clock()
        known.refusals.succeeded()
        return known

    async def change(self, name: str, who: Who, **values: Any) -> Environment:
        """Set share, bounds, limits or state, and keep on the record what they were. Raises Missing."""
        environment = self.named(name)
        trail = [
            Audited(f"environment/{name}", field_name, getattr(environment, field_name), value, who)
            for field_name, value in values.items()
            if getattr(environment, field_name) != value
        ]
        await self._store.write(lambda connection: _update(connection, name, values, trail))
        for field_name, value in values.items():
            setattr(environment, field_name, value)
        return environment

    async def remove(self, name: str, who: Who) -> None:
        """Forget an environment. Raises Missing."""
        trail = [Audited(f"environment/{name}", "url", self.named(name).url, None, who)]
        await self._store.write(lambda connection: _delete(connection, name, trail))
        self.environments.pop(name, None)

    def heard(self, name: str) -> bool:
        """A sign of life. False if nobody of that name is registered, or its token can no longer be read."""
        environment = self.environments.get(name)
        if environment is not None:
            environment.heard_at = self._clock()
        return environment is not None and environment.dispatch_token is not None

    def condition(self, environment: Environment) -> Condition:
        return "away" if self.silent_s(environment.name) > self._lease_s else environment.state

    def silent_s(self, name: str) -> float:
        """Seconds since an environment was heard from; endless if it is not registered."""
        environment = self.environments.get(name)
        return float("inf") if environment is None else self._clock() - environment.heard_at

    def aside(self) -> frozenset[str]:
        """Those whose open groups nobody should wait for: away or paused."""
        return frozenset(
            name for name, e in self.environments.items() if self.condition(e) in ("away", "paused")
        )

    def deadline_s(self, name: str) -> float:
        """Seconds that a rollout of an environment may take."""
        environment = self.environments.get(name)
        return (environment and environment.deadline_s) or self._deadline_s

    def cost(self, environment: Environment) -> float:
        """What a group of it will be charged, as far as one can tell when it is opened."""
        unit = self._grouping.tokens_per_unit
        return self._grouping.cost(fmean(environment.tokens) if environment.tokens else unit or 1)

    def can_take(self, environment: Environment) -> bool:
        """Whether a waiting rollout may be sent now."""
        return (
            self.condition(environment) not in ("away", "paused")
            and not environment.refusals.waiting
            and environment.sending < _MOST_SENDING
            and self._board.in_flight(environment.name) < environment.limit
        )

    def ready(self, planned: Mapping[str, int] = MappingProxyType({})) -> list[str]:
        """Those that may get a new training group: they would start on it at once, had they so many
        rollouts more as are `planned`."""
        return [name for name, obstacle in self.obstacles(planned).items() if obstacle is None]

    def _tasks(self, environment: Environment) -> int:
        return environment.manifest.splits.get(self._split, 0)

    def obstacles(self, planned: Mapping[str, int] = MappingProxyType({})) -> dict[str, Obstacle | None]:
        """What keeps each environment from a new training group on its own side; those drained or paused by
        people are left out."""
        active = {name: e for name, e in self.environments.items() if self.condition(e) in ("active", "away")}
        return {name: self._obstacle(found, planned.get(name, 0)) for name, found in active.items()}

    def _obstacle(self, environment: Environment, planned: int) -> Obstacle | None:
        if self.condition(environment) == "away":
            return "heartbeat"
        if self._tasks(environment) == 0:
            return "tasks"
        if environment.refusals.waiting:
            return "refusal"
        if environment.failures.waiting:
            return "failures"
        under_way = self._board.in_flight(environment.name) + self._board.queued(environment.name)
        return None if under_way + planned < environment.limit else "slots"

    def accounts(self) -> tuple[Account, ...]:
        """Those among whom training groups are shared out; those away keep their claim."""
        contenders = [
            Contender(
                name=name,
                share=environment.share,
                tasks=tasks,
                spread=environment.spread,
                min_share=environment.min_share,
                max_share=environment.max_share,
            )
            for name, environment in self.environments.items()
            if environment.state == "active" and (tasks := self._tasks(environment)) > 0
        ]
        return tuple(
            Account(name, share, self.environments[name].credit)
            for name, share in portions(contenders, self._weighting).items()
        )

    def notice(self, change: Change) -> None:
        """Charge for what is opened, refund what is not trained, and rest an environment that only fails."""
        environment = self.environments.get(change.environment)
        if environment is None or isinstance(change, RolloutMoved | GroupHeld) or change.purpose != "train":
            return
        if isinstance(change, GroupMoved) and change.reward_std is not None:
            environment.spreads.append(change.reward_std)
            environment.tokens.append(change.sampled_tokens or 0)
        if change.state == GroupState.OPEN:
            self._settle(charge(self.accounts(), environment.name, self._debt_cap, change.cost))
        elif isinstance(change, GroupMoved) and change.state == GroupState.DROPPED:
            self._refund(environment, change)
        elif isinstance(change, GroupMoved) and change.state == GroupState.SEALED:
            environment.failures.succeeded()
            environment.replaced = 0 if change.reward_std else environment.replaced
            if change.correction:
                self._settle(charge(self.accounts(), environment.name, self._debt_cap, change.correction))

    def _refund(self, environment: Environment, dropped: GroupMoved) -> None:
        """Give back what a group was charged. One that only ever makes groups without variance pays for
        those beyond a few in a row, or it would be served before all others for nothing."""
        environment.replaced += dropped.reason == "no_variance"
        if dropped.reason != "no_variance" or environment.replaced <= self._most_replaced:
            self._settle(refund(self.accounts(), environment.name, self._debt_cap, dropped.cost))
        if dropped.reason == "failed":
            environment.failures.failed()

    def _settle(self, accounts: Sequence[Account]) -> None:
        for account in accounts:
            self.environments[account.name].credit = account.credit


def _insert(connection: Connection, values: dict[str, Any], trail: Sequence[Audited]) -> None:
    connection.execute(delete(environments).where(environments.c.name == values["name"]))
    connection.execute(insert(environments).values(**values))
    keep(connection, trail)


def _update(connection: Connection, name: str, values: dict[str, Any], trail: Sequence[Audited]) -> None:
    if values:
        connection.execute(update(environments).where(environments.c.name == name).values(**values))
    keep(connection, trail)


def _delete(connection: Connection, name: str, trail: Sequence[Audited]) -> None:
    connection.execute(delete(environments).where(environments.c.name == name))
    keep(connection, trail)
