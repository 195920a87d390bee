"""One run from start to report: evaluate, train, evaluate again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from rich.console import Console

from services.cli.child import ChildFailed
from services.cli.client import Json, OrchestratorClient
from services.cli.clock import Clock
from services.cli.display import Display
from services.cli.evaluations import divided
from services.cli.folder import Phase, RunFolder
from services.cli.report import write_report
from services.cli.stack import Stack
from services.cli.supervisor import Supervisor
from services.kit.access import Scope

_POLL_S = 0.5


class Session:
    """Drives the orchestrator through a run; what is already done in the folder is not done again."""

    def __init__(self, folder: RunFolder, console: Console) -> None:
        self._folder = folder
        self._plan = folder.plan()
        self._stack = Stack(folder, self._plan)
        self._supervisor = Supervisor(self._stack.commands())
        self._display = Display(console, self._plan)
        token = folder.token_file(Scope.ADMIN).read_text()
        self._client = OrchestratorClient(self._stack.orchestrator_url, token)
        self._before = folder.phase()
        self._clock = Clock(self._before.seconds)

    async def run(self) -> None:
        """Returns once the report is written. Raises ChildFailed if a process cannot be kept alive."""
        async with self._client, self._supervisor.running(), self._watched():
            with self._display:
                await self._serving()
                await self._evaluation("before")
                await self._training()
                await self._evaluation("after")
                await self._settled()
            await self._report()

    @contextlib.asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Processes are kept alive meanwhile; one that cannot be ends the run."""
        body = asyncio.current_task()
        assert body is not None
        failures: list[ChildFailed] = []

        async def watch() -> None:
            try:
                await self._supervisor.watch()
            except* ChildFailed as group:
                failures.extend(error for error in group.exceptions if isinstance(error, ChildFailed))
                body.cancel()

        watcher = asyncio.create_task(watch())
        try:
            yield
        except asyncio.CancelledError:
            if failures:
                raise failures[0] from None
            raise
        finally:
            self._remember()
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    def _enter(self, phase: str) -> None:
        self._display.phase = phase
        self._clock.enter(phase)

    async def _serving(self) -> None:
        """Until all environments are registered and an engine is healthy."""

        def serving(progress: Json) -> bool:
            healthy = any(engine["state"] == "healthy" for engine in progress["engines"])
            registered = {row["name"] for row in progress["environments"] if row["state"] == "active"}
            return healthy and registered >= set(self._plan.shares)

        await self._until(serving)

    async def _evaluation(self, which: str) -> None:
        """Evaluate in every environment where the folder does not say that it has begun; wait for the end."""
        self._enter(f"evaluating {which}")
        begun = dict(getattr(self._folder.phase(), which))
        for name, rollouts in divided(self._plan.evaluation_rollouts, self._plan.shares).items():
            if name not in begun:
                begun[name] = await self._client.evaluate(name, rollouts)
                self._folder.update(**{which: begun})

        async def finished(_: Json) -> bool:
            found = {name: await self._client.evaluation(id) for name, id in begun.items()}
            self._display.evaluations[which] = found
            return all(evaluation["state"] == "finished" for evaluation in found.values())

        await self._until(finished)

    async def _training(self) -> None:
        self._enter("training")
        if not self._folder.phase().after:
            await self._client.admission("open")
        await self._until(lambda progress: bool(progress["step"] >= self._plan.steps))
        await self._client.admission("paused")
        await self._until(lambda progress: _engines_hold(progress, progress["weight_version"]))

    async def _settled(self) -> None:
        """Until what was still running when training ended has ended too."""
        await self._until(lambda progress: progress["rollouts"]["live"] == 0)

    async def _until(self, reached: Callable[[Json], bool | Awaitable[bool]]) -> None:
        while True:
            progress = await self._client.progress()
            self._display.show(progress)
            answer = reached(progress)
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(_POLL_S)

    async def _report(self) -> None:
        phase = self._remember()
        report = await write_report(self._folder, self._client, phase, self._supervisor.restarts)
        self._display.summary(self._folder, report)

    def _remember(self) -> Phase:
        """Save the time and memory of this session on top of those before it."""
        return self._folder.update(
            seconds=self._clock.read(),
            peak_memory_bytes=max(self._before.peak_memory_bytes, self._supervisor.peak_memory_bytes),
        )


def _engines_hold(progress: Json, version: int) -> bool:
    return all(
        engine["weight_version"] == version for engine in progress["engines"] if engine["state"] == "healthy"
    ) and any(engine["state"] == "healthy" for engine in progress["engines"])
