"""What bubblewrap's form owes besides the contract: it leaves nothing behind, and it refuses to be weak."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.kit.failure import Refused, Unavailable
from services.sandbox import launch
from services.sandbox.archive import archive_of
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.cgroup import Cgroups
from services.sandbox.port import (
    MIB,
    Blueprint,
    BoxOverrun,
    Limits,
    Network,
    NetworkMode,
    SandboxFailure,
    Tier,
)
from services.sandbox.probe import missing_hardening
from tests.processes import box_processes, marked


async def test_nothing_is_left_when_a_box_is_closed(blueprint: Blueprint) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    async with BubblewrapSandboxes().open(blueprint, Limits()) as box:
        await box.run("setsid sleep 98765 & disown; until grep -qs 98765 /proc/[0-9]*/cmdline; do :; done", 5)
        assert marked("98765")
    assert not marked("98765")
    assert not box_processes(os.getpid())
    assert len(os.listdir("/proc/self/fd")) == descriptors
    groups = Cgroups.find()
    if groups is not None:
        assert not [path for parent in groups.parents for path in parent.glob(f"podium-box-{os.getpid()}-*")]


async def test_nothing_is_left_when_its_user_is_cancelled(blueprint: Blueprint) -> None:
    async def use() -> None:
        async with BubblewrapSandboxes().open(blueprint, Limits()) as box:
            await box.run("sleep 87654", 60)

    using = asyncio.create_task(use())
    while not marked("87654"):
        await asyncio.sleep(0.01)
    using.cancel()
    await asyncio.wait([using])
    assert not marked("87654")
    assert not box_processes(os.getpid())


OWNER = """
import asyncio, sys
from pathlib import Path
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import Blueprint, Limits

async def main():
    async with BubblewrapSandboxes().open(Blueprint(Path(sys.argv[1])), Limits()) as box:
        await box.run("setsid sleep 76543 & disown", 5)
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def test_nothing_is_left_when_its_owner_is_killed(blueprint: Blueprint) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(blueprint.folder)], stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        assert marked("76543")
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while marked("76543") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not marked("76543")


async def test_a_box_that_dies_is_a_failure_of_the_sandbox(blueprint: Blueprint) -> None:
    async with BubblewrapSandboxes().open(blueprint, Limits()) as box:
        for pid in box_processes(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(SandboxFailure, match="the sandbox ended"):
            await box.run("sleep 5", 10)


async def test_hardening_holds_here() -> None:
    await BubblewrapSandboxes().verify()


async def test_an_image_larger_than_its_box_does_not_open(blueprint: Blueprint, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nWORKDIR /app\nCOPY files/ /app/\n")
    (tmp_path / "files").mkdir()
    for number in range(10):
        (tmp_path / "files" / f"f{number}").write_bytes(bytes(8 * MIB))
    with pytest.raises(SandboxFailure, match=r"of work_bytes = 64 MiB: .*No space left") as failed:
        async with BubblewrapSandboxes().open(Blueprint(tmp_path), Limits()):
            pytest.fail("files are missing in it")
    assert not isinstance(failed.value, BoxOverrun)


async def test_a_tree_that_does_not_go_in_is_the_doing_of_the_box_it_comes_from(blueprint: Blueprint) -> None:
    tree = archive_of({"app/half": bytes(1000)})[:1000]
    with pytest.raises(BoxOverrun, match="Unexpected EOF"):
        async with BubblewrapSandboxes().open(blueprint, Limits(), tree):
            pytest.fail("half of it is missing")


async def test_a_full_box_takes_no_more(blueprint: Blueprint) -> None:
    async with BubblewrapSandboxes().open(blueprint, Limits(work_bytes=4 * MIB)) as box:
        await box.run("cat /dev/zero > full", 10)
        with pytest.raises(BoxOverrun, match="No space left"):
            await box.put(archive_of({"test": bytes(MIB)}), "/tests")


async def test_without_control_groups_a_machine_is_taken_with_a_warning_or_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Cgroups, "find", lambda: None)
    await BubblewrapSandboxes().verify()
    (said,) = [one.getMessage() for one in caplog.records if one.name == "services.sandbox.bubblewrap"]
    assert "not the memory and the CPU of a sandbox as a whole (delegate a control group" in said
    with pytest.raises(Unavailable, match=r"what is missing: the memory and the CPU of a sandbox as a whole"):
        await BubblewrapSandboxes(require_cgroups=True).verify()


async def test_a_machine_that_cannot_isolate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "bwrap_path", lambda: Path("/bin/false"))
    with pytest.raises(Unavailable, match="sandboxes cannot be had here"):
        await BubblewrapSandboxes().verify()


async def test_a_box_without_a_filter_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unfiltered(limits: Limits, image: launch.Image, fds: Mapping[str, int]) -> list[str]:
        arguments = box_arguments(limits, image, fds)
        at = arguments.index("--seccomp")
        return arguments[:at] + arguments[at + 2 :]

    box_arguments = launch.box_arguments
    monkeypatch.setattr(launch, "box_arguments", unfiltered)
    with pytest.raises(Unavailable, match=r"what is missing: a system call filter \(seccomp\)$"):
        await BubblewrapSandboxes().verify()


def test_what_is_missing_is_named() -> None:
    assert "a system call filter (seccomp)" in missing_hardening("CapEff:0000000000000000\nSeccomp:0\n")
    assert "no capabilities (CapEff)" not in missing_hardening("CapEff:0000000000000000\n")


def test_root_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    launch.give_up_root.cache_clear()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--reuid=65534" in launch.give_up_root()
    launch.give_up_root.cache_clear()
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(Unavailable, match="setpriv is missing"):
        launch.give_up_root()
    launch.give_up_root.cache_clear()


def test_groups_of_killed_owners_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.sandbox.cgroup._version_1", lambda: [tmp_path])
    (tmp_path / "podium-box-4000000-1").mkdir()
    (tmp_path / f"podium-box-{os.getpid()}-7").mkdir()
    monkeypatch.setattr("services.sandbox.cgroup.BoxGroup.holds_memory_and_processes", lambda _: True)
    assert Cgroups.find() is not None
    assert [path.name for path in tmp_path.iterdir()] == [f"podium-box-{os.getpid()}-7"]


def test_a_group_that_the_kernel_still_holds_is_in_nobodys_way(tmp_path: Path) -> None:
    one, two = Cgroups((tmp_path,)), Cgroups((tmp_path,))
    with one.holding(Limits()):
        (held,) = tmp_path.iterdir()
        (held / "still-here").touch()
    assert held.exists()
    (held / "still-here").unlink()
    with two.holding(Limits()):
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("needs", "field"),
    [
        ({"image": "python:3.11-slim"}, "image"),
        ({"compose": Path("compose.yaml")}, "compose"),
        ({"user": "root"}, "user"),
        ({"network": Network(NetworkMode.PUBLIC)}, "network"),
        ({"network": Network(NetworkMode.ALLOWLIST, ("pypi.org",))}, "network"),
        ({"tier": Tier.HOSTILE}, "tier"),
    ],
)
async def test_what_takes_docker_is_refused_by_name(
    blueprint: Blueprint, needs: dict[str, Any], field: str
) -> None:
    sandboxes, more = BubblewrapSandboxes(), replace(blueprint, **needs)
    with pytest.raises(Refused, match=field) as refused:
        sandboxes.check(more)
    assert (refused.value.field, refused.value.remedy) == (field, "use Docker for this task")
    with pytest.raises(Refused, match=field):
        async with sandboxes.open(more, Limits()):
            pass


async def test_there_is_no_other_user(blueprint: Blueprint) -> None:
    async with BubblewrapSandboxes().open(blueprint, Limits()) as box:
        with pytest.raises(Refused, match="user root: bubblewrap has none but nobody"):
            await box.run("id", 5, user="root")


async def test_memory_is_limited(blueprint: Blueprint) -> None:
    """That of the whole box where control groups can be made, else that of each process."""
    sandboxes = BubblewrapSandboxes()
    limits = Limits(memory_bytes=64 * 1024 * 1024, work_bytes=16 * 1024 * 1024)
    megabytes = 25 if sandboxes.whole_boxes_limited else 100
    hog = f'perl -e \'$x = "a" x ({megabytes} << 20); sleep 1; print "lives\\n"\''
    async with sandboxes.open(blueprint, limits) as box:
        result = await box.run(f"for i in 1 2 3 4 5 6; do {hog} & done; wait", 20)
        assert result.output.splitlines().count("lives") < 4
        assert (await box.run("echo fine", 5)).output.endswith("fine\n")
