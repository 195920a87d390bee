"""SIGKILL of a Redis whose disk is slow: what was acknowledged is there, however little that was."""

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bench.valkey import ValkeyProcess
from services.transport.connection import connect
from services.transport.group_stream import RedisGroupStream
from tests.services.transport.words import sealed_group

_SLOW_SYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

static int slowly(const char *name, int file) {
    int (*sync_file)(int) = (int (*)(int)) dlsym(RTLD_NEXT, name);
    usleep(300000);
    return sync_file(file);
}
int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
"""


@pytest.fixture
def slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Syncs of processes started from now on take 0.3 s longer, where there is a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return False
    source, library = tmp_path / "slow.c", tmp_path / "slow.so"
    source.write_text(_SLOW_SYNC)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    return True


@pytest.mark.parametrize("enough", [20, 100])
async def test_what_was_acknowledged_survives(
    slow_disk: bool, own_valkey: ValkeyProcess, enough: int
) -> None:
    acknowledged: set[str] = set()
    started = time.monotonic()

    async def append_all() -> None:
        while True:
            group = sealed_group()
            await stream.append(group)
            acknowledged.add(group.group_id)

    async with connect(own_valkey.url) as redis:
        stream = RedisGroupStream(redis)
        clients = [asyncio.create_task(append_all()) for _ in range(32)]
        async with asyncio.timeout(60):
            while len(acknowledged) < enough:
                await asyncio.sleep(0.01)
        own_valkey.kill()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    own_valkey.start()
    async with connect(own_valkey.url) as redis:
        kept = await RedisGroupStream(redis).group_ids()
    assert acknowledged <= kept
    if slow_disk:  # each reply waited for its sync
        assert time.monotonic() - started > 0.3 * len(acknowledged) / 32
