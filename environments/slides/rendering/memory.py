"""Chromium does not bound a tab's memory, so we do: what takes more is killed, and its page breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil

_EVERY_S = 1.0  # most pages are done before the first look


@asynccontextmanager
async def bounded(limit: int) -> AsyncIterator[None]:
    """Within it, no tab of this process's browsers keeps more than `limit` bytes resident."""
    watch = asyncio.create_task(_watch(limit))
    try:
        yield
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def _watch(limit: int) -> None:
    while True:
        await asyncio.sleep(_EVERY_S)
        await asyncio.to_thread(_kill_larger, limit)


def _kill_larger(limit: int) -> None:
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.memory_info().rss > limit and "--type=renderer" in process.cmdline():
                process.kill()
