"""The engine fleet: who serves, at which version, and how each gets to the newest weights.

An engine at other weights than the newest is brought there before it counts as healthy, whether they
were just published or it has just started again: pause, update, verify, and continue in any case. One
that fails is quarantined and tried again, ever more rarely; the others go on.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import httpx
import structlog
from sqlalchemy import Connection, delete, insert, select

from orchestrator.audit import Audited, Who, keep
from orchestrator.backoff import Backoff
from orchestrator.engine import EngineControl, EngineFailure, EngineKeys, EngineLoad, UpdateMode
from orchestrator.loop import repeat
from orchestrator.store import Store
from orchestrator.store.tables import engines, weights
from services.contracts.weights import WeightAnnouncement
from services.kit.address import Allowance, target
from services.kit.crash import CrashPoints
from services.kit.failure import Missing
from services.transport.weight_channel import WeightChannel

log = structlog.get_logger()

EngineState = Literal["healthy", "updating", "quarantined", "down"]
_SILENT_TIMES = 2


@dataclass
class Engine:
    """One engine as the fleet sees it. Until it has answered once it is down."""

    engine_id: str
    url: str
    control: EngineControl = field(repr=False)
    state: EngineState = "down"
    weight_version: int = 0
    load: EngineLoad = field(default_factory=EngineLoad)
    error: str | None = None
    silent: int = 0
    greeted: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    backoff: Backoff = field(default_factory=lambda: Backoff(1.0, 30.0), repr=False)


@dataclass(frozen=True)
class FleetRules:
    """How often engines are looked at, and how they are updated."""

    poll_s: float
    update_mode: UpdateMode
    update_timeout_s: float
    keys: EngineKeys
    allowance: Allowance


class Fleet:
    """Engines by id. `on_announced` hears of every new version, `on_updated` how long an update took."""

    def __init__(
        self,
        store: Store,
        client: httpx.AsyncClient,
        channel: WeightChannel,
        rules: FleetRules,
        on_announced: Callable[[int], None] = lambda version: None,
        on_updated: Callable[[float], None] = lambda seconds: None,
        crash: CrashPoints | None = None,
    ) -> None:
        self._store = store
        self._client = client
        self._channel = channel
        self._rules = rules
        self._on_announced = on_announced
        self._on_updated = on_updated
        self._crash = crash or CrashPoints()
        self._newest: WeightAnnouncement | None = None
        self._tending: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self.engines: dict[str, Engine] = {}

    def load(self, connection: Connection) -> None:
        """Take over the engines and the newest weights of the record."""
        for url in connection.execute(select(engines.c.url)).scalars():
            self.enlist(url)
        row = connection.execute(select(weights).order_by(weights.c.version.desc()).limit(1)).one_or_none()
        if row is not None:
            self._newest = WeightAnnouncement(**row._asdict())
            self._on_announced(row.version)

    def enlist(self, url: str) -> Engine:
        """Make an engine known for as long as this process lives."""
        url = url.rstrip("/")
        engine_id = hashlib.sha256(url.encode()).hexdigest()[:12]
        control = EngineControl(self._client, url, self._rules.update_timeout_s, self._rules.keys)
        return self.engines.setdefault(engine_id, Engine(engine_id, url, control))

    async def run(self) -> None:
        """Watch the channel and tend every engine, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for engine in self.engines.values():
                self._tend(engine)
            await repeat("weights", self._look_for_weights, self._rules.poll_s)

    async def add(self, url: str, who: Who) -> Engine:
        """Make an engine known for good; the same again changes nothing. Raises NotAllowed for an address
        where no engine may be."""
        url = url.rstrip("/")
        target(url, self._rules.allowance)
        await self._store.write(lambda connection: _keep_engine(connection, url, who))
        engine = self.enlist(url)
        self._tend(engine)
        return engine

    async def remove(self, engine_id: str, who: Who) -> None:
        """Forget an engine. Raises Missing."""
        engine = self.engines.get(engine_id)
        if engine is None:
            raise Missing(f"no engine '{engine_id}'", field="engine_id", value=engine_id)
        await self._store.write(lambda connection: _forget_engine(connection, engine.url, who))
        self.engines.pop(engine_id, None)
        if task := self._tending.pop(engine_id, None):
            task.cancel()

    def oldest_version(self) -> int | None:
        """The oldest weights that anything is sampled from now; None if nothing can be sampled."""
        serving = [e.weight_version for e in self.engines.values() if e.state in ("healthy", "updating")]
        return min(serving, default=None)

    def _tend(self, engine: Engine) -> None:
        if self._tasks is None or engine.engine_id in self._tending:
            return
        step = repeat("engine", lambda: self.check(engine), self._rules.poll_s, engine.wake)
        self._tending[engine.engine_id] = self._tasks.create_task(step)

    async def _look_for_weights(self) -> None:
        found = await self._channel.latest()
        known = -1 if self._newest is None else self._newest.version
        if self._newest is not None and (found is None or found.version < known):
            await self._channel.announce(self._newest)  # Redis has forgotten what the record holds
        if found is None or found.version <= known:
            return
        await self._store.write(lambda connection: _keep_weights(connection, found))
        self._newest = found
        self._on_announced(found.version)
        for engine in self.engines.values():
            engine.wake.set()

    async def check(self, engine: Engine) -> None:
        """Look at one engine, and bring it to the newest weights if it holds others."""
        try:
            engine.weight_version = await engine.control.version()
            if not engine.greeted:  # whoever paused it may be gone
                await engine.control.resume()
                engine.greeted = True
            engine.silent = 0
            if self._newest is not None and engine.weight_version < self._newest.version:
                await self._bring(engine, self._newest)
            else:
                engine.state, engine.error = "healthy", None
            engine.load = await engine.control.load()
        except EngineFailure as error:
            self._failed(engine, str(error))

    async def _bring(self, engine: Engine, newest: WeightAnnouncement) -> None:
        if engine.backoff.waiting:
            return
        engine.state = "updating"
        started = asyncio.get_running_loop().time()
        try:
            await self._update(engine, newest)
        except EngineFailure as error:
            engine.backoff.failed()
            engine.state, engine.error = "quarantined", str(error)
            log.warning("engine quarantined", engine=engine.url, version=newest.version, error=str(error))
            return
        engine.backoff.succeeded()
        engine.weight_version = newest.version
        engine.state, engine.error = "healthy", None
        self._on_updated(asyncio.get_running_loop().time() - started)

    async def _update(self, engine: Engine, newest: WeightAnnouncement) -> None:
        """Pause, update, verify, and continue in any case; what is in flight lives on."""
        mode = self._rules.update_mode
        try:
            await engine.control.pause(mode)
            self._crash.reached("after_pause")
            await engine.control.update(newest, flush_cache=mode == "retract")
            self._crash.reached("after_update")
            held = await engine.control.version()
            if held != newest.version:
                raise EngineFailure(f"it holds version {held} after an update to {newest.version}")
        finally:
            await engine.control.resume()

    def _failed(self, engine: Engine, error: str) -> None:
        """It does not answer: down after the second time, so that one slow answer moves nobody."""
        engine.silent += 1
        engine.error = error
        if engine.silent >= _SILENT_TIMES or engine.state != "healthy":
            if engine.state != "down":
                log.warning("engine down", engine=engine.url, error=error)
            engine.state, engine.greeted, engine.load = "down", False, EngineLoad()


def _keep_engine(connection: Connection, url: str, who: Who) -> None:
    if connection.execute(select(engines.c.url).where(engines.c.url == url)).one_or_none() is None:
        connection.execute(insert(engines).values(url=url, added_at=time.time()))
        keep(connection, [Audited(f"engine/{url}", "url", None, url, who)])


def _forget_engine(connection: Connection, url: str, who: Who) -> None:
    connection.execute(delete(engines).where(engines.c.url == url))
    keep(connection, [Audited(f"engine/{url}", "url", url, None, who)])


def _keep_weights(connection: Connection, announced: WeightAnnouncement) -> None:
    here = weights.c.version == announced.version
    if connection.execute(select(weights.c.version).where(here)).one_or_none() is None:
        connection.execute(
            insert(weights).values(
                version=announced.version,
                path=announced.path,
                step=announced.step,
                digest=announced.digest,
                created_at=announced.created_at,
            )
        )
