"""A child process that does one piece of work and tells of it in lines of JSON."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from tempfile import TemporaryFile

from services.cli.child import die_with_parent
from services.cli.client import Json

_PATIENCE_S = 20.0
_LINE_BYTES = 64 * 1024 * 1024
_SHOWN = 2_000


class WorkFailed(Exception):
    """The child ended without a result; the message is the end of what it said."""


async def work(module: str, arguments: Sequence[str]) -> AsyncGenerator[Json, None]:
    """What `python -m module` tells, line by line. Whoever stops listening early stops the child too.

    Raises WorkFailed if it dies.
    """
    with TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
            limit=_LINE_BYTES,
            start_new_session=True,  # Ctrl-C reaches us alone, and we tell it
            preexec_fn=die_with_parent,
        )
        assert process.stdout is not None
        told = False
        try:
            async for line in process.stdout:
                told = True
                yield dict(json.loads(line))
            if await process.wait() < 0 or not told:
                said.seek(0)
                raise WorkFailed(said.read().decode(errors="replace")[-_SHOWN:].strip() or "it said nothing")
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it clean up, then make sure that neither it nor what it started is left."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _PATIENCE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
