"""Child processes are started again when they die, and none is ever left behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.cli.child import Child, ChildFailed, Command

_SERVE = "import pathlib,sys,time; pathlib.Path(sys.argv[1]).write_text('up'); time.sleep(60)"


def command(folder: Path, code: str) -> Command:
    ready = folder / "ready"
    arguments = [sys.executable, "-c", code, str(ready)]
    return Command("child", arguments, {"PATH": os.environ["PATH"]}, folder / "child.log", ready)


async def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    child = Child(command(tmp_path, _SERVE))
    await child.start()
    await child.ready()
    first = child.pid
    keeper = asyncio.create_task(child.keep_alive())
    child.signal(signal.SIGKILL)
    async with asyncio.timeout(10):
        while child.restarts == 0 or not child.alive:
            await asyncio.sleep(0.02)
    await child.ready()
    assert child.pid != first
    keeper.cancel()
    await child.stop()
    assert not child.alive


async def test_a_child_that_keeps_dying_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    child = Child(command(tmp_path, "raise SystemExit('no such folder')"))
    await child.start()
    with pytest.raises(ChildFailed, match=r"(?s)died 6 times.*no such folder"):
        await child.keep_alive()


async def test_a_child_that_ends_by_itself_is_left_alone(tmp_path: Path) -> None:
    child = Child(command(tmp_path, "pass"))
    await child.start()
    assert await child.keep_alive() == 0
    assert child.restarts == 0


async def test_a_child_that_never_serves_is_named(tmp_path: Path) -> None:
    child = Child(command(tmp_path, "import time; time.sleep(60)"))
    await child.start()
    with pytest.raises(ChildFailed, match="child was not ready after"):
        await child.ready(timeout_s=0.2)
    await child.stop()


async def test_stopping_ends_grandchildren_and_the_stubborn(tmp_path: Path) -> None:
    stubborn = (
        "import pathlib,signal,subprocess,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen(['sleep', '60']);"
        "pathlib.Path(sys.argv[1]).write_text(str(child.pid)); time.sleep(60)"
    )
    child = Child(command(tmp_path, stubborn))
    await child.start()
    await child.ready()
    grandchild = int((tmp_path / "ready").read_text())
    await child.stop(patience_s=0.2)
    assert not child.alive
    await _gone(grandchild)


async def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib
from services.cli.child import Child, Command
async def main():
    log = pathlib.Path({str(tmp_path / "log")!r})
    child = Child(Command("sleeper", ["sleep", "60"], {{"PATH": "/usr/bin:/bin"}}, log))
    await child.start()
    pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
    await asyncio.sleep(60)
asyncio.run(main())
"""
    supervisor = subprocess.Popen([sys.executable, "-c", code])
    pid_file = tmp_path / "pid"
    async with asyncio.timeout(20):
        while not pid_file.exists() or not pid_file.read_text():
            await asyncio.sleep(0.05)
    supervisor.kill()
    supervisor.wait()
    await _gone(int(pid_file.read_text()))


async def _gone(pid: int) -> None:
    async with asyncio.timeout(5):
        with contextlib.suppress(psutil.NoSuchProcess):
            while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.02)
