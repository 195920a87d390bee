"""A WebSocket to a server: JSON messages, one question and one answer at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

_LARGEST_MESSAGE = 16 * 1024 * 1024  # bytes
_FAREWELL = aiohttp.ClientWSTimeout(ws_close=0.5)  # a server that hangs does not say goodbye


class SocketLost(ConnectionError):
    """The server cannot be reached, closed the connection, or sent what is no JSON text."""


class WebSocket:
    """An open connection, for one user at a time."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def ask(self, message: Any) -> Any:
        """Send a message as JSON and read the next one. Errors: SocketLost."""
        try:
            await self._socket.send_json(message)
            return await self._socket.receive_json()
        except (aiohttp.ClientError, ConnectionError, TypeError, ValueError) as error:
            raise SocketLost(f"the connection was lost: {error!r}") from error

    async def tell(self, message: Any) -> None:
        """Send a message that has no answer; a server that is gone already does not matter."""
        try:
            await self._socket.send_json(message)
        except (aiohttp.ClientError, ConnectionError):
            return


@asynccontextmanager
async def websocket(url: str, *, connect_timeout_s: float) -> AsyncIterator[WebSocket]:
    """Connect to `url` (http or ws), and close in the end. Errors: SocketLost."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(connect=connect_timeout_s)) as session:
        try:
            socket = await session.ws_connect(
                url, max_msg_size=_LARGEST_MESSAGE, heartbeat=20.0, timeout=_FAREWELL
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SocketLost(f"{url} cannot be reached: {error!r}") from error
        try:
            yield WebSocket(socket)
        finally:
            await socket.close()
