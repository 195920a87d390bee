"""What a sandbox host owes besides the contract: who may, how much, and that leases end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from services.kit.access import Scope
from services.kit.failure import Refused, Unavailable
from services.kit.http import http_client
from services.sandbox.folder import digest_of, folder_archive, unpack_folder
from services.sandbox.host.archives import Archives
from services.sandbox.port import MIB, Blueprint, Limits, Network, NetworkMode, SandboxFailure
from services.sandbox.remote import HostSandboxes, RemoteSandbox
from tests.processes import marked
from tests.services.sandbox.conftest import serving_host, token

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEASE_S = 1.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with serving_host(tmp_path_factory.mktemp("host"), lease_s=LEASE_S, capacity=2) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def remote(url: str) -> AsyncIterator[HostSandboxes]:
    sandboxes = HostSandboxes(url, token())
    await sandboxes.verify()
    async with sandboxes.running():
        yield sandboxes


async def routes(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    paths = (await client.get("/openapi.json")).json()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods if path != "/healthz"]


async def test_every_route_takes_a_token_of_scope_sandbox(url: str) -> None:
    async with http_client(base_url=url) as client:
        found = await routes(client)
        assert len(found) >= 10
        for method, path in found:
            bare = await client.request(method, path)
            other = {"authorization": f"Bearer {token(Scope.ENVIRONMENT)}"}
            wrong = await client.request(method, path, headers=other)
            assert (bare.status_code, wrong.status_code) == (401, 403), (method, path)


async def test_a_box_whose_caller_is_silent_ends(remote: HostSandboxes, blueprint: Blueprint) -> None:
    opened = await remote._opened(blueprint, Limits(), None)
    box = RemoteSandbox(remote._client, opened)
    assert (await box.run("sleep 86421 & echo started", 5)).output == "started\n"
    assert marked("86421")
    await asyncio.sleep(2 * LEASE_S)
    assert not marked("86421")
    with pytest.raises(SandboxFailure, match="its lease ran out"):
        await box.run("echo still here", 5)


async def test_a_box_whose_caller_only_waits_is_held(remote: HostSandboxes, blueprint: Blueprint) -> None:
    async with remote.open(blueprint, Limits()) as box:
        await box.run("x=5", 5)
        await asyncio.sleep(2 * LEASE_S)
        assert (await box.run(f"echo $x; sleep {1.5 * LEASE_S}; echo $x", 5)).output == "5\n5\n"


async def test_a_full_host_makes_its_callers_wait(remote: HostSandboxes, blueprint: Blueprint) -> None:
    async def used() -> str:
        async with remote.open(blueprint, Limits()) as box:
            return (await box.run("echo here", 5)).output

    assert await asyncio.gather(*(used() for _ in range(4))) == ["here\n"] * 4


async def test_what_is_beyond_the_bounds_is_refused_by_field(
    remote: HostSandboxes, blueprint: Blueprint
) -> None:
    with pytest.raises(Refused, match=r"memory_bytes = .*; this host gives") as refused:
        async with remote.open(blueprint, Limits(memory_bytes=4096 * MIB)):
            pytest.fail("it was opened")
    assert refused.value.field == "memory_bytes"
    with pytest.raises(Refused, match="network"):
        remote.check(replace(blueprint, network=Network(NetworkMode.PUBLIC)))
    async with remote.open(blueprint, Limits()) as box:
        with pytest.raises(Refused, match="more than 67108864 bytes"):
            await box.put(bytes(65 * MIB), "/tmp")
        with pytest.raises(Refused, match="user root"):
            await box.run("id", 5, user="root")


async def test_an_archive_is_what_its_digest_says(url: str) -> None:
    async with http_client(base_url=url, token=token()) as client:
        lie = await client.put(f"/v1/archives/{digest_of(b'one')}", content=b"two")
        assert (lie.status_code, lie.json()["field"]) == (422, "digest")


async def test_a_host_that_is_away_is_a_failure_of_the_sandbox(blueprint: Blueprint) -> None:
    away = HostSandboxes("http://127.0.0.1:9", token())
    with pytest.raises(Unavailable, match="is of no use"):
        await away.verify()
    async with away.running():
        with pytest.raises(SandboxFailure, match="does not answer"):
            async with away.open(blueprint, Limits()):
                pytest.fail("it was opened")


async def test_a_folder_is_the_same_archive_again(tmp_path: Path) -> None:
    first = tmp_path / "first"
    (first / "deep").mkdir(parents=True)
    (first / "deep/run.sh").write_text("echo\n")
    (first / "deep/run.sh").chmod(0o755)
    (first / "link").symlink_to("deep/run.sh")
    archive = folder_archive(first)
    unpack_folder(archive, tmp_path / "second")
    assert folder_archive(tmp_path / "second") == archive
    assert (tmp_path / "second/deep/run.sh").stat().st_mode & 0o111


async def test_many_may_unpack_the_same_archive_at_once(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    for number in range(50):
        (tmp_path / f"build/{number}").write_text(str(number))
    data = folder_archive(tmp_path / "build")
    archives = Archives(tmp_path / "kept", MIB)
    archives.put(digest_of(data), data)
    found = await asyncio.gather(*(asyncio.to_thread(archives.folder, digest_of(data)) for _ in range(8)))
    assert len(set(found)) == 1
    assert folder_archive(found[0]) == data


async def test_an_archive_that_leads_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/link").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="cannot be unpacked"):
        unpack_folder(folder_archive(tmp_path / "bad"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


async def test_archives_unused_for_longest_make_room(tmp_path: Path) -> None:
    archives = Archives(tmp_path, 250)
    parts = [bytes([n]) * 100 for n in range(3)]
    for part in parts:
        archives.put(digest_of(part), part)
    assert [archives.has(digest_of(part)) for part in parts] == [False, True, True]
