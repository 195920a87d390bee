"""A UNIX socket that runs commands in one sandbox, one after the other."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shlex import quote

from environments.metrics import EnvironmentMetrics
from services.kit.failure import Failure
from services.sandbox.port import Sandbox

_LONGEST = 4 * 1024 * 1024


class Door:
    """Answers `{"command", "timeout_s"}` with `{"output", "returncode"}`; keeps what broke behind it."""

    def __init__(self, sandbox: Sandbox, workdir: str, longest_s: float, metrics: EnvironmentMetrics) -> None:
        self._sandbox = sandbox
        self._workdir = workdir
        self._longest_s = longest_s
        self._metrics = metrics
        self._turn = asyncio.Lock()
        self._answering: set[asyncio.Task[None]] = set()
        self.broken: Failure | None = None

    @asynccontextmanager
    async def open(self, path: Path) -> AsyncIterator[None]:
        """Commands that go on when it closes are left where they are; nobody waits for the sandbox then."""
        server = await asyncio.start_unix_server(self._answer_alone, path, limit=_LONGEST)
        try:
            yield
        finally:
            server.close()
            for answering in self._answering:
                answering.cancel()
            await asyncio.gather(*self._answering, return_exceptions=True)

    async def _answer_alone(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering = asyncio.ensure_future(self._answer(reader, writer))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)
        await asyncio.wait([answering])

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            wanted = json.loads(await reader.readline())
            async with self._turn:
                answer = await self._run(str(wanted["command"]), float(wanted["timeout_s"]))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except Failure as failure:
            self.broken = failure
        except (ValueError, KeyError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _run(self, command: str, timeout_s: float) -> dict[str, object]:
        line = f"(cd {quote(self._workdir)}; exec bash -c {quote(command)})"
        with self._metrics.phase("command"):
            result = await self._sandbox.run(line, min(timeout_s, self._longest_s))
        late = f"\n[stopped after {timeout_s:g} s]" if result.timed_out else ""
        return {"output": result.output + late, "returncode": result.exit_code}
