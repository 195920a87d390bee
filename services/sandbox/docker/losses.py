"""Whether what stands beside a box was there to the end: a verdict on work without it would be wrong.

An agent can reach what stands beside it, and make it end: that counts against the agent, not as a loss.
Only what it cannot do is a loss, or what cannot be told from it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from docker.errors import NotFound

from services.kit.failure import Failure
from services.sandbox.docker.engine import Engine
from services.sandbox.port import BoxOverrun, SandboxFailure


@asynccontextmanager
async def services_kept(engine: Engine, services: Mapping[str, str]) -> AsyncIterator[None]:
    """Errors: SandboxFailure, if a service was taken away or ran out of memory meanwhile."""

    async def look() -> None:
        for name, container in services.items():
            state = await _state(engine, container)
            if state is None:
                raise SandboxFailure(f"the service {name} beside the sandbox was taken away")
            if state.get("OOMKilled"):
                raise SandboxFailure(f"the service {name} beside the sandbox ran out of memory")

    async with _seen_to(look):
        yield


@asynccontextmanager
async def way_out_kept(engine: Engine, parts: Mapping[str, str]) -> AsyncIterator[None]:
    """Errors: SandboxFailure, if door or gate is gone or ended; BoxOverrun, if they got too much to carry.

    Both start again by themselves, so memory ends them only if the box floods them again and again.
    """

    async def look() -> None:
        for name, container in parts.items():
            state = await _state(engine, container)
            if state is None or not (state["Running"] or state["Restarting"]):
                kind = BoxOverrun if state and state.get("OOMKilled") else SandboxFailure
                raise kind(f"the {name} of the sandbox's way out ended before its work did")

    async with _seen_to(look):
        yield


@asynccontextmanager
async def _seen_to(look: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Also after a failure, which may only follow from the loss."""
    try:
        yield
    except Failure:
        await look()
        raise
    await look()


async def _state(engine: Engine, container: str) -> dict[str, Any] | None:
    return await engine.work(partial(_inspected, engine.api, container))


def _inspected(api: Any, container: str) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = api.inspect_container(container)["State"]
    except NotFound:
        return None
    return state
