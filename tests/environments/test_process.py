"""`python -m environments` as a process: it starts, registers, stops, and leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.kit.http import http_client
from services.kit.ports import free_port
from tests.environments.standins import (
    ANSWER_TEST,
    OrchestratorEar,
    ScriptedModel,
    moves,
    rollout_request,
    served,
    write_task,
)
from tests.processes import box_processes, marked


def variables(folder: Path, orchestrator_url: str, **more: str) -> dict[str, str]:
    token = folder / "token"
    token.write_text("environment-token\n")
    values = {
        "family": "terminal",
        "port": str(free_port()),
        "orchestrator_url": orchestrator_url,
        "token_file": str(token),
        "tasks_dir": str(folder / "tasks"),
        "heartbeat_s": "0.1",
        **more,
    }
    named = {f"PODIUM_ENVIRONMENT_{name.upper()}": value for name, value in values.items()}
    return {"PATH": os.environ["PATH"], **named}


@asynccontextmanager
async def environment(env: dict[str, str]) -> AsyncIterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", "environments"], env=env) as process:
        try:
            yield process
        finally:
            process.kill()


async def registered(ear: OrchestratorEar) -> dict[str, str]:
    async with asyncio.timeout(30):
        while not ear.registrations:
            await asyncio.sleep(0.01)
    registration: dict[str, str] = ear.registrations[0]
    return registration


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
async def test_no_sandbox_outlives_the_service(tmp_path: Path, ending: signal.Signals) -> None:
    write_task(tmp_path / "tasks/train/0", tests=ANSWER_TEST)
    model, ear = ScriptedModel(moves("sleep 65432", "sleep 65432")), OrchestratorEar()
    async with served(model.app, tmp_path) as model_url, served(ear.app, tmp_path) as ear_url:
        async with environment(variables(tmp_path, ear_url)) as process:
            registration = await registered(ear)
            async with http_client(
                base_url=registration["url"], token=registration["dispatch_token"]
            ) as client:
                body = rollout_request(model_url, ear_url).model_dump()
                assert (await client.post("/v1/rollouts", json=body)).status_code == 202
            while not marked("65432"):
                await asyncio.sleep(0.01)
            started = time.monotonic()
            process.send_signal(ending)
            while process.poll() is None:
                await asyncio.sleep(0.01)
            assert time.monotonic() - started < 5
        deadline = time.monotonic() + 5
        while marked("65432") and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert not marked("65432")
        assert not box_processes(process.pid)
        if ending == signal.SIGTERM:
            assert process.returncode in (0, -signal.SIGTERM)
            outcome = await ear.outcome()
            assert outcome["cause"] == "environment"
            assert "stopping" in outcome["error"]


async def test_tasks_are_written_where_there_are_none_and_it_waits_for_the_orchestrator(
    tmp_path: Path,
) -> None:
    port = free_port()
    small = {"train_tasks": "16", "evaluation_tasks": "8"}
    async with environment(variables(tmp_path, f"http://127.0.0.1:{port}", **small)):
        async with asyncio.timeout(30):
            while not (tmp_path / "tasks/evaluation").exists():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        ear = OrchestratorEar()
        async with served(ear.app, tmp_path, port):
            registration = await registered(ear)
            async with http_client(
                base_url=registration["url"], token=registration["dispatch_token"]
            ) as client:
                manifest = (await client.get("/v1/manifest")).json()
    assert manifest["splits"] == {"evaluation": 8, "train": 16}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"capasity": "3"}, "did you mean PODIUM_ENVIRONMENT_CAPACITY?"),
        ({"family": "cooking"}, "PODIUM_ENVIRONMENT_FAMILY='cooking'"),
        ({"port": "0"}, "port 0 needs public_url"),
        ({"token_file": "/nonexistent"}, "PODIUM_ENVIRONMENT_TOKEN_FILE cannot be read"),
        ({}, "tests/test.sh is missing"),
    ],
)
def test_a_bad_start_says_why(tmp_path: Path, more: dict[str, str], said: str) -> None:
    task = write_task(tmp_path / "tasks/train/0", tests="")
    (task / "tests/test.sh").unlink()
    env = variables(tmp_path, "http://127.0.0.1:1", **more)
    ran = subprocess.run(
        [sys.executable, "-m", "environments"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode != 0
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
