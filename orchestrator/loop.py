"""Work that goes on for as long as the process does, and waits out what is away."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.kit.failure import Unavailable
from services.transport.connection import TransportError

log = structlog.get_logger()

OUTAGES = (Unavailable, TransportError)


async def repeat(
    name: str, step: Callable[[], Awaitable[object]], every_s: float, wake: asyncio.Event | None = None
) -> None:
    """Run `step` every `every_s` seconds, or when `wake` is set. An outage is logged and waited out."""
    while True:
        try:
            await step()
        except OUTAGES as error:
            log.warning("outage", loop=name, error=str(error))
        if wake is None:
            await asyncio.sleep(every_s)
            continue
        try:
            await asyncio.wait_for(wake.wait(), every_s)
        except TimeoutError:
            continue
        wake.clear()
