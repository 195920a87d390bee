"""What the gate lets through, judged by name and by address; and bytes that really pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.sandbox.docker import egress_proxy
from services.sandbox.docker.egress_proxy import Denied, Rules, pass_through, target_of, to_the_gate


@pytest.mark.parametrize("host", ["pypi.org", "PyPI.org.", "a.debian.org", "x.a.debian.org"])
def test_hosts_of_the_list(host: str) -> None:
    Rules(["pypi.org", "*.debian.org"]).check_host(host)


@pytest.mark.parametrize(
    "host", ["evil.org", "xpypi.org", "debian.org", "pypi.org.evil.org", "a.pypi.org", ""]
)
def test_other_hosts(host: str) -> None:
    with pytest.raises(Denied):
        Rules(["pypi.org", "*.debian.org"]).check_host(host)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.17.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    with pytest.raises(Denied):
        Rules(None).check_address(address)


def test_public_addresses_and_those_that_count_as_such() -> None:
    Rules(None).check_address("1.1.1.1")
    Rules(None).check_address("2606:4700::1111")
    Rules(None, ["10.8.0.0/16"]).check_address("10.8.1.1")
    with pytest.raises(Denied):
        Rules(None, ["10.8.0.0/16"]).check_address("10.9.1.1")


def test_requests() -> None:
    assert target_of(b"CONNECT pypi.org:443 HTTP/1.1\r\nhost: pypi.org\r\n\r\n") == ("pypi.org", 443, b"")
    host, port, first = target_of(
        b"GET http://a.org:81/x?y=1 HTTP/1.1\r\nHost: a.org\r\nProxy-Authorization: no\r\n\r\n"
    )
    assert (host, port) == ("a.org", 81)
    assert first == b"GET /x?y=1 HTTP/1.1\r\nHost: a.org\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "line", [b"GET / HTTP/1.1", b"GET ftp://a.org/ HTTP/1.1", b"nonsense", b"CONNECT :1 HTTP/1.1"]
)
def test_what_is_no_request_to_a_proxy(line: bytes) -> None:
    with pytest.raises(Denied):
        target_of(line + b"\r\n\r\n")


@asynccontextmanager
async def proxy(rules: Rules) -> AsyncIterator[tuple[int, int]]:
    """The ports of a proxy and of a server that says hello."""

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await writer.drain()
        writer.close()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await pass_through(rules, reader, writer)

    async with (
        await asyncio.start_server(accepted, "127.0.0.1", 0) as gate,
        await asyncio.start_server(hello, "127.0.0.1", 0) as server,
    ):
        yield gate.sockets[0].getsockname()[1], server.sockets[0].getsockname()[1]


async def said(port: int, text: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_what_is_allowed_passes() -> None:
    async with proxy(Rules(["localhost"], ["127.0.0.0/8", "::1/128"])) as (gate, server):
        assert "hello" in await said(gate, f"GET http://localhost:{server}/ HTTP/1.1\r\n\r\n")
        tunnel = await said(gate, f"CONNECT localhost:{server} HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        assert tunnel.startswith("HTTP/1.1 200 Connection established")
        assert "hello" in tunnel
        assert "403" in await said(gate, f"GET http://127.0.0.1:{server}/ HTTP/1.1\r\n\r\n")


async def test_a_name_that_leads_inside_is_refused() -> None:
    async with proxy(Rules(None)) as (gate, server):
        answer = await said(gate, f"CONNECT localhost:{server} HTTP/1.1\r\n\r\n")
        assert "403 Forbidden" in answer
        assert "is no public address" in answer


async def test_the_door_waits_for_a_gate_that_starts_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress_proxy, "SOCKET", str(tmp_path / "gate"))
    waiting = asyncio.create_task(to_the_gate())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    async with await asyncio.start_unix_server(lambda _, writer: writer.close(), tmp_path / "gate"):
        reader, writer = await waiting
        assert await reader.read() == b""
        writer.close()
