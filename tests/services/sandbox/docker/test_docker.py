"""What containers owe besides the contract: they leave nothing behind, and they refuse to be weak."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
import pytest_asyncio

from services.kit.failure import Missing, Refused
from services.sandbox.archive import archive_of
from services.sandbox.docker import hardening, watchman
from services.sandbox.docker.reaper import reap
from services.sandbox.docker.sandboxes import DockerRules, DockerSandboxes
from services.sandbox.docker.warm import WarmRules
from services.sandbox.port import Blueprint, BoxOverrun, Limits, Network, NetworkMode, SandboxFailure, Tier

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def docker() -> AsyncIterator[DockerSandboxes]:
    sandboxes = DockerSandboxes(DockerRules(egress_private=("172.16.0.0/12",), warm=WarmRules(each=0)))
    await sandboxes.verify()
    async with sandboxes.running():
        yield sandboxes


def containers(sandboxes: DockerSandboxes, label: str) -> list[str]:
    found = sandboxes._engine.api.containers(all=True, filters={"label": label})
    return [one["Names"][0] for one in found]


async def test_a_root_that_may_be_written_moves_whole(docker: DockerSandboxes, blueprint: Blueprint) -> None:
    """As the image has it: user, capabilities of package managers, other users, deletions, owners."""
    task = replace(blueprint, user="0", read_only_root=False, labels={"rollout": "r7", "attempt": "1"})
    async with docker.open(task, Limits()) as first:
        assert [name.startswith("/podium-r7-1-") for name in containers(docker, "podium.rollout=r7")] == [
            True
        ]
        shown = await first.run("id -u; cat /proc/sys/kernel/hostname", 5)
        assert shown.output == "0\nsandbox\n"
        await first.run("rm given.txt; echo x > /usr/lib/x; mkdir /own && chown 1000:1000 /own", 5)
        other = await first.run("id -u; pwd; touch /own/file; exit 3", 5, user="1000")
        assert (other.output, other.exit_code) == ("1000\n/app\n", 3)
        await first.put(archive_of({"in.txt": b"in\n"}), "/tests/deep")
        assert b"in\n" in await first.get("/tests/deep")
        with pytest.raises(Missing):
            await first.get("/nosuch")
        await first.run("(setsid sleep 97531 &)", 5, user="1000")
        await first.reset()
        left = await first.run("grep -lx sleep /proc/[0-9]*/comm 2>/dev/null | wc -l", 5)
        assert left.output == "0\n"
        tree = await first.tree()
    async with docker.open(task, Limits(), tree) as second:
        seen = await second.run("ls; cat /usr/lib/x /tests/deep/in.txt; stat -c %u /own /own/file", 5)
        assert seen.output == "Dockerfile\nx\nin\n1000\n1000\n"
    assert containers(docker, "podium.rollout=r7") == []


async def test_nobody_owns_the_work_folder_of_a_root_that_may_be_written(
    docker: DockerSandboxes, blueprint: Blueprint
) -> None:
    async with docker.open(replace(blueprint, read_only_root=False), Limits()) as box:
        seen = await box.run("id -u; echo x > given.txt; mkdir /data/new; touch ~/home /usr/x", 5)
        assert seen.output == "65534\ntouch: cannot touch '/usr/x': Permission denied\n"


async def test_what_the_disk_holds_beyond_its_limit_ends_the_box(
    docker: DockerSandboxes, blueprint: Blueprint
) -> None:
    """Of a root that may be written, where the engine has no quota: a watchman looks."""
    limits = Limits(work_bytes=8 << 20)
    async with docker.open(replace(blueprint, read_only_root=False), limits) as box:
        filling = "for i in $(seq 30); do head -c 4M /dev/zero > f$i || exit; sleep 0.3; done; echo all"
        with pytest.raises(BoxOverrun, match="more on its disk than"):
            await box.run(filling, 30)
        with pytest.raises(BoxOverrun, match="more on its disk than"):
            await box.tree()


async def test_more_files_than_there_may_be_end_the_box(
    docker: DockerSandboxes, blueprint: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchman, "MOST_FILES", 2_000)
    async with docker.open(replace(blueprint, read_only_root=False), Limits()) as box:
        few = await box.run("mkdir few; cd few; touch $(seq 1000); sleep 7; ls | wc -l", 20)
        assert few.output == "1000\n"
        with pytest.raises(BoxOverrun, match="more on its disk than 2,000 files"):
            await box.run("touch $(seq 1001 2500); sleep 20", 30)


async def test_put_leaves_the_folders_that_are_there_as_they_are(
    docker: DockerSandboxes, blueprint: Blueprint
) -> None:
    async with docker.open(replace(blueprint, user="0", read_only_root=False), Limits()) as box:
        await box.run("chown -R 1000:1000 /app && chmod 700 /app && ln -s /app /link", 5)
        await box.put(archive_of({"a": b"a"}, (".",)), "/app")
        await box.put(archive_of({"b": b"b"}), "/link")
        seen = await box.run("stat -c '%u %a %F' /app /link; ls /app", 5)
        assert seen.output == "1000 700 directory\n0 777 symbolic link\nDockerfile\na\nb\ngiven.txt\n"


async def test_an_image_with_volumes_is_refused_unless_memory_takes_their_place(
    docker: DockerSandboxes, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim\nVOLUME /var/lib/data\n")
    with pytest.raises(Refused, match="has VOLUME /var/lib/data, which a sandbox cannot carry"):
        async with docker.open(Blueprint(tmp_path, user="0"), Limits()):
            pytest.fail("what is in the volume would be lost")
    fits = Blueprint(tmp_path, read_only_root=True, writable=("/var/lib/data",))
    async with docker.open(fits, Limits()) as box:
        assert "tmpfs" in (await box.run("df /var/lib/data", 5)).output


async def test_a_tree_that_cannot_be_read_or_does_not_go_in_is_no_smaller_tree(
    docker: DockerSandboxes, blueprint: Blueprint
) -> None:
    task = replace(blueprint, user="0", read_only_root=False)
    async with docker.open(task, Limits()) as box:
        await box.run("echo x > new; chmod 0 new", 5)
        tree = await box.tree()
        await box.run(
            "rm /usr/bin/tar; printf '#!/bin/sh\\nexit 2\\n' > /usr/bin/tar; chmod +x /usr/bin/tar", 5
        )
        with pytest.raises(BoxOverrun, match="its tar ended with 2"):
            await box.tree()
    with pytest.raises(BoxOverrun, match=r"tar ended with 2: .*Unexpected EOF"):
        async with docker.open(task, Limits(), tree[: tree.index(b"app/new") + 700]):
            pytest.fail("it was cut off")


async def test_work_whose_way_out_was_taken_away_is_not_scored(
    docker: DockerSandboxes, blueprint: Blueprint
) -> None:
    task = replace(blueprint, network=Network(NetworkMode.PUBLIC), labels={"rollout": "cut-off"})

    async def cut_off() -> None:
        async with docker.open(task, Limits()):
            (main,) = docker._engine.api.containers(filters={"label": "podium.rollout=cut-off"})
            of_it = [f"podium.box={main['Labels']['podium.box']}", "podium.role=gate"]
            (gate,) = docker._engine.api.containers(filters={"label": of_it})
            await docker._engine.remove(gate["Id"])

    with pytest.raises(SandboxFailure, match="the gate of the sandbox's way out ended"):
        await cut_off()


async def test_a_way_out_leads_where_the_task_allows(docker: DockerSandboxes, blueprint: Blueprint) -> None:
    api = docker._engine.api
    (subnet,) = api.inspect_network("bridge")["IPAM"]["Config"]
    gateway = str(ip_network(subnet["Subnet"])[1])

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        await writer.drain()
        writer.close()

    def fetch(url: str) -> str:
        code = f"import urllib.request as u; print(u.urlopen('{url}', timeout=9).read().decode())"
        return f'python3 -c "{code}" 2>&1 | tail -1'

    network = Network(NetworkMode.ALLOWLIST, (gateway,))
    task = replace(blueprint, network=network, labels={"rollout": "goes-out"})
    async with await asyncio.start_server(hello, gateway, 0) as server, docker.open(task, Limits()) as box:
        port = server.sockets[0].getsockname()[1]
        assert (await box.run(fetch(f"http://{gateway}:{port}/"), 20)).output == "hello\n"
        assert "403" in (await box.run(fetch("http://example.com/"), 20)).output
        assert "403" in (await box.run(fetch("https://169.254.169.254/"), 20)).output
        around = f"env -u http_proxy -u HTTP_PROXY {fetch(f'http://{gateway}:{port}/')}"
        assert "unreachable" in (await box.run(around, 20)).output
        assert (await box.run("grep -c : /proc/net/dev", 5)).output == "1\n"
        (its_own,) = api.containers(filters={"label": ["podium.rollout=goes-out", "podium.role=main"]})
        of_it = {"label": f"podium.box={its_own['Labels']['podium.box']}"}
        assert len(api.volumes(filters=of_it)["Volumes"]) == 1
    assert not api.volumes(filters=of_it)["Volumes"]


async def test_a_hostile_task_is_refused_where_there_is_no_kernel_for_it(
    docker: DockerSandboxes, blueprint: Blueprint
) -> None:
    with pytest.raises(
        Refused, match=r"takes a kernel of its own, by the runtime runsc; this Docker Engine has"
    ):
        docker.check(replace(blueprint, tier=Tier.HOSTILE))


async def test_a_container_without_a_filter_does_not_become_a_box(
    docker: DockerSandboxes, blueprint: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unconfined(*_: object) -> dict[str, object]:
        return {"security_opt": ["seccomp=unconfined"], "cap_drop": ["ALL"]}

    monkeypatch.setattr(hardening, "confinement", unconfined)
    with pytest.raises(SandboxFailure, match="what is missing: no new privileges, a system call filter"):
        async with docker.open(replace(blueprint, labels={"rollout": "weak"}), Limits()):
            pytest.fail("a weak box was opened")
    assert containers(docker, "podium.rollout=weak") == []


async def test_a_build_that_fails_says_what_it_printed(docker: DockerSandboxes, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim\nRUN echo hopeless && exit 3\n")
    with pytest.raises(SandboxFailure, match=r"(?s)could not be built.*hopeless"):
        async with docker.open(Blueprint(tmp_path), Limits()):
            pytest.fail("there is no image")


async def test_a_box_that_dies_is_a_failure_of_the_sandbox(
    docker: DockerSandboxes, blueprint: Blueprint
) -> None:
    async with docker.open(replace(blueprint, labels={"rollout": "dies"}), Limits()) as box:
        (name,) = containers(docker, "podium.rollout=dies")
        docker._engine.api.kill(name.strip("/"))
        with pytest.raises(SandboxFailure, match="the sandbox ended"):
            await box.run("sleep 5", 10)


OWNER = """
import asyncio, sys
from pathlib import Path
from services.sandbox.docker.sandboxes import DockerSandboxes
from services.sandbox.port import Blueprint, Limits

async def main():
    blueprint = Blueprint(Path(sys.argv[1]), read_only_root=True, labels={"rollout": "orphan"})
    async with DockerSandboxes().open(blueprint, Limits()) as box:
        await box.run("setsid sleep 76543 & disown", 5)
        asyncio.ensure_future(box.run("sleep 1000", 1000))
        await asyncio.sleep(0.2)
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_nothing_is_left_when_its_owner_is_killed(
    docker: DockerSandboxes, blueprint: Blueprint
) -> None:
    """In the midst of a command: the container ends by itself. What has no box any more, the reaper takes."""
    api = docker._engine.api
    owned = [sys.executable, "-c", OWNER, str(blueprint.folder)]
    with subprocess.Popen(owned, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        assert len(containers(docker, "podium.rollout=orphan")) == 1
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while containers(docker, "podium.rollout=orphan") and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert containers(docker, "podium.rollout=orphan") == []

    for role in ("door", "gate"):
        labels = {"podium.box": f"lost-{role}", "podium.role": role, "podium.rollout": "orphan"}
        made = api.create_container(
            "python:3.11-slim", ["sleep", "100"], labels=labels, name=f"podium-test-orphan-{role}"
        )
        api.start(made["Id"])
    await reap(docker._engine)
    assert containers(docker, "podium.rollout=orphan") == ["/podium-test-orphan-gate"]  # its box is to come
    await docker._engine.remove("podium-test-orphan-gate")


async def test_the_next_box_of_a_task_has_waited(blueprint: Blueprint) -> None:
    sandboxes = DockerSandboxes(DockerRules(warm=WarmRules(each=1)))
    async with sandboxes.running():
        async with sandboxes.open(blueprint, Limits()) as box:
            await box.run("echo mine > /app/mine", 5)
        deadline = time.monotonic() + 30
        while len(sandboxes._warm) == 0 and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        (waiting,) = [boxes[0][0].container for boxes in sandboxes._warm._waiting.values()]
        async with sandboxes.open(replace(blueprint, labels={"rollout": "r9"}), Limits()) as box:
            assert getattr(box, "container", None) == waiting
            assert (await box.run("ls", 5)).output == "Dockerfile\ngiven.txt\n"
            name = sandboxes._engine.api.inspect_container(waiting)["Name"]
            assert name.startswith("/podium-r9-")
