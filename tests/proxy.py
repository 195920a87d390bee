"""A TCP proxy that a test makes misbehave."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Literal

Fault = Literal["delay", "refuse", "reset", "half_open", "short", "slow"]

DELAY_S = 0.3
_SHORT = 20
_SLICE, _SLICE_S = 256, 0.002


@dataclass
class Proxy:
    """Forwards connections to `target` (host, port); `fault` holds for what comes from then on, and `hit`
    counts what it has met.

    delay: each piece waits. refuse: connections end at once. reset: they end with RST in the middle of
    a reply. half_open: they stay, and nothing arrives. short: replies break off after some bytes.
    slow: both sides read a few bytes at a time.
    """

    target: tuple[str, int] = ("127.0.0.1", 0)
    fault: Fault | None = None
    url: str = ""
    hit: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def break_down(self, fault: Fault) -> None:
        """From now on, and for connections that stand as well."""
        self.fault = fault
        if fault != "half_open":
            self._drop()

    def heal(self) -> None:
        self.fault = None
        self._drop()

    def _drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.fault == "refuse":
                self.hit += 1
            else:
                await self._connect(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # what a proxy is for
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onward = await asyncio.open_connection(*self.target)
        self._writers.add(onward)
        try:
            ways = [
                asyncio.create_task(self._pump(reader, onward, reply=False)),
                asyncio.create_task(self._pump(behind, writer, reply=True)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._writers.discard(onward)
            onward.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, reply: bool) -> None:
        while piece := await source.read(65_536):
            self.hit += self.fault is not None
            if self.fault == "delay":
                await asyncio.sleep(DELAY_S)
            elif self.fault == "half_open":
                continue
            elif self.fault in ("reset", "short") and reply:
                sink.write(piece[:_SHORT])
                await sink.drain()
                if self.fault == "reset":
                    _linger_no_more(sink)
                return
            elif self.fault == "slow":
                await _slowly(piece, sink)
                continue
            sink.write(piece)
            await sink.drain()


async def _slowly(piece: bytes, sink: asyncio.StreamWriter) -> None:
    for start in range(0, len(piece), _SLICE):
        sink.write(piece[start : start + _SLICE])
        await sink.drain()
        await asyncio.sleep(_SLICE_S)


def _linger_no_more(writer: asyncio.StreamWriter) -> None:
    """Closing sends RST instead of FIN."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@asynccontextmanager
async def proxied(url: str = "") -> AsyncIterator[Proxy]:
    """A proxy in front of `http://host:port`, which may be set later."""
    proxy = Proxy()
    if url:
        aim(proxy, url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    proxy.url = f"http://{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.heal()


def aim(proxy: Proxy, url: str) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    proxy.target = (host, int(port))


class ProxyThread:
    """A proxy in front of a port of this machine for tests that wait without an event loop."""

    def __init__(self, port: int) -> None:
        self._proxy = Proxy(("127.0.0.1", port))
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        serving = asyncio.start_server(self._proxy.serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def break_down(self, fault: Fault) -> None:
        self._loop.call_soon_threadsafe(self._proxy.break_down, fault)

    def heal(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.heal)

    @property
    def hit(self) -> int:
        """How much a fault has met so far."""
        return self._proxy.hit

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(10)
        self._loop.close()

    def _end(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.call_soon(self._loop.call_soon, self._loop.stop)
