"""A way out for one box: an HTTP proxy that lets through only what its task may reach.

Run as a program of its own, from its source, in two containers that share a folder with a socket and
nothing else: `door` stands in the box's own network, where nothing but it listens, and passes bytes on to
the socket; `gate` stands outside, reads where a request wants to go, and decides. So it is all in one file
and of the standard library. A name is resolved here, once, and every address it has is judged.
"""

import asyncio
import ipaddress
import json
import os
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

PORT = 3128
SOCKET = "/egress/gate"
_HEAD_BYTES = 32_768
_HEAD_S = 20.0
_CONNECT_S = 20.0


class Denied(Exception):
    """Where a request wants to go is not allowed, or not there."""


class Rules:
    """`hosts`: names, `*.name` for all below; None for any. `private`: networks that count as public."""

    def __init__(self, hosts: Sequence[str] | None, private: Sequence[str] = ()) -> None:
        self._hosts = None if hosts is None else [host.lower() for host in hosts]
        self._private = [ipaddress.ip_network(network) for network in private]

    def check_host(self, host: str) -> None:
        """Errors: Denied."""
        name = host.lower().rstrip(".")
        if self._hosts is not None and not any(_fits(name, pattern) for pattern in self._hosts):
            raise Denied(f"{host} is not among the hosts that this task may reach")

    def check_address(self, address: str) -> None:
        """Errors: Denied, for what is not of the public internet."""
        found = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        if any(found.version == network.version and found in network for network in self._private):
            return
        if not found.is_global or found.is_multicast:
            raise Denied(f"{address} is no public address")


def target_of(head: bytes) -> tuple[str, int, bytes]:
    """Host, port, and what to send on first: nothing for a tunnel, the request itself for plain HTTP."""
    line, _, rest = head.partition(b"\r\n")
    try:
        method, url, version = line.decode("ascii").split(" ")
        parts = urlsplit(f"//{url}" if method == "CONNECT" else url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Denied("this is no request to a proxy") from None
    if not host or (method != "CONNECT" and parts.scheme != "http"):
        raise Denied("this is no request to a proxy")
    if method == "CONNECT":
        return host, port or 443, b""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [one for one in rest.split(b"\r\n") if one and not _is_of_the_hop(one)]
    first = f"{method} {path} {version}".encode()
    return host, port or 80, b"\r\n".join([first, *kept, b"connection: close", b"", b""])


async def pass_through(rules: Rules, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection of a box, from its request to its end."""
    try:
        async with asyncio.timeout(_HEAD_S):
            head = await reader.readuntil(b"\r\n\r\n")
        host, port, first = target_of(head)
        rules.check_host(host)
        there_reader, there_writer = await _connected(rules, host, port)
    except Denied as denied:
        await _answered(writer, "403 Forbidden", f"podium: {denied}\n")
        return
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        await _answered(writer, "502 Bad Gateway", f"podium: {error or 'too slow'}\n")
        return
    if first:
        there_writer.write(first)
    else:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await _both_ways(reader, writer, there_reader, there_writer)


async def _connected(rules: Rules, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To an address that was judged, so that a name cannot change between the judging and the connecting."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for address in addresses:
        rules.check_address(address)
    async with asyncio.timeout(_CONNECT_S):
        return await asyncio.open_connection(addresses[0], port)


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there_reader: asyncio.StreamReader,
    there_writer: asyncio.StreamWriter,
) -> None:
    await asyncio.gather(_pour(reader, there_writer), _pour(there_reader, writer))


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _answered(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\n"
    writer.write(f"{head}connection: close\r\n\r\n".encode() + body)
    try:
        await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def _fits(name: str, pattern: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _is_of_the_hop(header: bytes) -> bool:
    return header.lower().startswith((b"proxy-", b"connection:", b"keep-alive:"))


async def _gate(rules: Rules) -> None:
    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await pass_through(rules, reader, writer)

    server = await asyncio.start_unix_server(accepted, SOCKET, limit=_HEAD_BYTES)
    os.chmod(SOCKET, 0o666)
    await server.serve_forever()


async def _door() -> None:
    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await to_the_gate()
        except (TimeoutError, OSError):
            writer.close()
            return
        await _both_ways(reader, writer, there_reader, there_writer)

    server = await asyncio.start_server(accepted, "127.0.0.1", PORT)
    await server.serve_forever()


async def to_the_gate() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Both containers start at one moment, and the gate may be the slower one."""
    async with asyncio.timeout(_CONNECT_S):
        while True:
            try:
                return await asyncio.open_unix_connection(SOCKET)
            except (FileNotFoundError, ConnectionRefusedError, PermissionError):
                await asyncio.sleep(0.05)


def main(arguments: list[str]) -> None:
    if arguments[0] == "door":
        asyncio.run(_door())
    else:
        said = json.loads(arguments[1])
        asyncio.run(_gate(Rules(said["hosts"], said["private"])))


if __name__ == "__main__":
    main(sys.argv[1:])
