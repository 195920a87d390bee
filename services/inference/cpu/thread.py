"""The engine's thread: steps the scheduler, and does between steps what the event loop asks for."""

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

import torch

from services.inference.cpu.generation import Generation
from services.inference.cpu.scheduler import Scheduler

Result = TypeVar("Result")
Command = Callable[[], None]


class EngineThread:
    """Owns a scheduler. `on_progress` and `on_crash` are called on the event loop.

    Progress of a step comes as one call with every generation that streams or has ended.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        on_progress: Callable[[list[Generation]], None],
        on_crash: Callable[[BaseException], None],
    ) -> None:
        self._scheduler, self._on_progress, self._on_crash = scheduler, on_progress, on_crash
        self._commands: SimpleQueue[Command | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def tell(self, command: Callable[[Scheduler], None]) -> None:
        """Have `command` done between two steps."""
        self._commands.put(lambda: command(self._scheduler))

    async def ask(self, command: Callable[[Scheduler], Result]) -> Result:
        """What `command` returns, done between two steps."""
        answer: asyncio.Future[Result] = self._loop.create_future()

        def deliver(result: Result) -> None:
            if not answer.done():
                answer.set_result(result)

        def run() -> None:
            result = command(self._scheduler)
            self._call_loop(lambda: deliver(result))

        self._commands.put(run)
        return await answer

    def close(self) -> None:
        """Stop after the current step."""
        self._commands.put(None)
        self._thread.join()

    def _run(self) -> None:
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                while self._obey():
                    if self._scheduler.has_work:
                        self._publish(self._scheduler.step())
        # The boundary of this thread: whatever it is, the process must hear of it.
        except BaseException as error:
            crash = error
            self._call_loop(lambda: self._on_crash(crash))

    def _obey(self) -> bool:
        """Do all commands, waiting for one if there is nothing else to do. False: stop."""
        while not self._scheduler.has_work or not self._commands.empty():
            command = self._commands.get()
            if command is None:
                return False
            command()
        return True

    def _publish(self, touched: list[Generation]) -> None:
        news = [one for one in touched if one.stream or one.finish is not None]
        if news:
            self._call_loop(lambda: self._on_progress(news))

    def _call_loop(self, call: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)
