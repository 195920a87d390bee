"""One episode on an OpenEnv server: the messages of its `/ws`, and what their errors mean."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.kit.websocket import SocketLost, WebSocket, websocket

_INVALID = "VALIDATION_ERROR"


class InvalidAction(Exception):
    """The server does not take the action: the agent's mistake, to be told to it."""


@dataclass(frozen=True)
class Step:
    """What came of a reset or a step."""

    observation: Mapping[str, Any]
    reward: float | None
    done: bool


class Session:
    """The connection is the episode: whoever closes it gives it up."""

    def __init__(self, socket: WebSocket, step_timeout_s: float) -> None:
        self._socket = socket
        self._step_timeout_s = step_timeout_s

    async def reset(self, parameters: Mapping[str, Any]) -> Step:
        """Begin the episode. Errors: Failure (environment)."""
        try:
            return _step(await self._ask("reset", parameters))
        except InvalidAction as error:
            raise Failure(f"reset was refused: {error}", cause=Cause.ENVIRONMENT) from error

    async def step(self, action: Mapping[str, Any]) -> Step:
        """Act. Errors: InvalidAction; Failure (environment)."""
        return _step(await self._ask("step", action))

    async def tools(self) -> list[Mapping[str, Any]]:
        """The tools of an environment that has them, as MCP describes them. Errors: Failure (environment)."""
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        answer = await self._ask("mcp", request)
        try:
            return list(answer["result"]["tools"])
        except (KeyError, TypeError) as error:
            raise _no_answer(answer) from error

    async def _ask(self, kind: str, data: Mapping[str, Any]) -> Any:
        try:
            async with asyncio.timeout(self._step_timeout_s):
                answer = await self._socket.ask({"type": kind, "data": dict(data)})
        except TimeoutError as error:
            slow = f"the OpenEnv server, asked to {kind}, said nothing for {self._step_timeout_s:g} s"
            raise Failure(slow, cause=Cause.ENVIRONMENT) from error
        except SocketLost as error:
            raise Failure(f"the OpenEnv server, asked to {kind}: {error}", cause=Cause.ENVIRONMENT) from error
        return _content(kind, answer)


@asynccontextmanager
async def session(server_url: str, connect_timeout_s: float, step_timeout_s: float) -> AsyncIterator[Session]:
    """An episode of its own, that ends with the connection. Errors: Failure (environment)."""
    try:
        async with websocket(f"{server_url.rstrip('/')}/ws", connect_timeout_s=connect_timeout_s) as socket:
            yield Session(socket, step_timeout_s)
            await socket.tell({"type": "close"})
    except SocketLost as error:
        raise Failure(str(error), cause=Cause.ENVIRONMENT) from error


def _content(kind: str, answer: Any) -> Any:
    try:
        data = answer["data"]
        if answer["type"] != "error":
            return data
        code, message = data.get("code"), f"{data.get('message')} {data.get('errors', '')}".strip()
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_answer(answer) from error
    if code == _INVALID:
        raise InvalidAction(message)
    raise Failure(f"the OpenEnv server failed to {kind} ({code}): {message}", cause=Cause.ENVIRONMENT)


def _step(data: Any) -> Step:
    try:
        reward = data.get("reward")
        given = None if reward is None else float(reward)
        return Step(dict(data["observation"]), given, bool(data.get("done", False)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _no_answer(data) from error


def _no_answer(answer: Any) -> Failure:
    return Failure(f"the OpenEnv server answered with {str(answer)[:500]}", cause=Cause.ENVIRONMENT)
