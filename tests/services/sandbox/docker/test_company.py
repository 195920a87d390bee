"""Services beside sandboxes, on a real engine: reached by name, shared with the verifier, gone in the end."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from environments.metrics import EnvironmentMetrics
from environments.terminal.agents import Noop, Oracle
from environments.terminal.attempts import Attempts
from environments.terminal.rules import Rules
from environments.terminal.tasks import TerminalTask
from environments.terminal.validation import played
from services.kit.failure import Refused
from services.sandbox.docker.reaper import reap
from services.sandbox.docker.sandboxes import DockerRules, DockerSandboxes
from services.sandbox.docker.warm import WarmRules
from services.sandbox.port import Blueprint, Limits, Network, NetworkMode, SandboxFailure

pytestmark = [pytest.mark.docker, pytest.mark.asyncio(loop_scope="module")]

_SERVER = """
import http.server, os
class Counter(http.server.BaseHTTPRequestHandler):
    seen = []
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(" ".join(self.seen).encode())
    def do_POST(self):
        self.seen.append(self.path[1:]); self.send_response(200); self.end_headers()
    def log_message(self, *said): pass
http.server.HTTPServer(("", int(os.environ["PORT"])), Counter).serve_forever()
"""
_ASK = "python3 -c \"import urllib.request as u; print(u.urlopen('http://{}', timeout=5).read().decode())\""
_POST = "python3 -c \"import urllib.request as u; u.urlopen('http://web:8080/{}', data=b'', timeout=5)\""
_COMPOSE = """
services:
  main:
    build: .
    depends_on: {web: {condition: service_healthy}}
  seed:
    image: python:3.11-slim
    command: ["true"]
  web:
    build: web
    environment: {PORT: "8080"}
    depends_on: {seed: {condition: service_completed_successfully}}
    healthcheck:
      test: ["CMD", "python3", "-c", "import socket; socket.create_connection(('localhost', 8080))"]
      interval: 1s
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def docker() -> AsyncIterator[DockerSandboxes]:
    sandboxes = DockerSandboxes(DockerRules(warm=WarmRules(each=0)))
    async with sandboxes.running():
        yield sandboxes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An environment's folder with a service beside its sandbox that remembers what is posted to it."""
    (tmp_path / "web").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim\nWORKDIR /app\n")
    (tmp_path / "web" / "Dockerfile").write_text(
        'FROM python:3.11-slim\nCOPY server.py /\nCMD ["python3", "/server.py"]\n'
    )
    (tmp_path / "web" / "server.py").write_text(_SERVER)
    (tmp_path / "docker-compose.yaml").write_text(_COMPOSE)
    return tmp_path


def blueprint(folder: Path, **more: object) -> Blueprint:
    compose = folder / "docker-compose.yaml"
    return Blueprint(folder=folder, compose=compose, labels={"rollout": folder.name}, **more)  # type: ignore[arg-type]


def boxes(docker: DockerSandboxes, folder: Path) -> list[str]:
    """Containers of this test, which runs beside others."""
    label = f"podium.rollout={folder.name}"
    found = docker._engine.api.containers(all=True, filters={"label": label})
    return [one["Names"][0] for one in found]


async def test_services_are_reached_by_name_and_nothing_else_is(
    docker: DockerSandboxes, folder: Path
) -> None:
    docker.check(blueprint(folder))
    async with docker.open(blueprint(folder), Limits()) as box:
        assert len(boxes(docker, folder)) == 4  # the ground, two services, the box
        await box.run(_POST.format("hello"), 10)
        assert (await box.run(_ASK.format("web:8080"), 10)).output == "hello\n"
        assert (await box.run("grep -c : /proc/net/dev", 5)).output == "1\n"  # no way out: loopback alone
        assert "CapEff:\t0000000000000000" in (await box.run("cat /proc/self/status", 5)).output
    assert boxes(docker, folder) == []


async def test_sandboxes_of_one_company_share_its_services(docker: DockerSandboxes, folder: Path) -> None:
    async with docker.accompanied(blueprint(folder), Limits()) as joined:
        async with docker.open(joined, Limits()) as first:
            await first.run(_POST.format("kept"), 10)
            tree = await first.tree()
        async with docker.open(joined, Limits(), tree) as second:
            assert (await second.run(_ASK.format("web:8080"), 10)).output == "kept\n"
    async with docker.open(blueprint(folder), Limits()) as other:
        assert (await other.run(_ASK.format("web:8080"), 10)).output == "\n"
    assert boxes(docker, folder) == []


async def test_a_service_that_does_not_start_is_the_sandboxs_failure_in_its_own_words(
    docker: DockerSandboxes, folder: Path
) -> None:
    (folder / "web" / "server.py").write_text("raise SystemExit('no licence')")
    with pytest.raises(SandboxFailure, match=r"the service web .* ended with 1: no licence"):
        async with docker.open(blueprint(folder), Limits()):
            pass
    assert boxes(docker, folder) == []


async def test_a_service_that_ends_counts_against_the_agent_and_one_without_memory_does_not(
    docker: DockerSandboxes, folder: Path
) -> None:
    kill = "def do_DELETE(self):\n        os._exit(3)\n    def do_PUT(self):\n        bytearray(400 << 20)\n"
    (folder / "web" / "server.py").write_text(
        _SERVER.replace("def log_message", f"{kill}    def log_message")
    )
    ask = "python3 -c \"import urllib.request as u; u.urlopen(u.Request('http://web:8080/', method='{}'))\""
    limits = Limits(memory_bytes=128 << 20)
    async with docker.open(blueprint(folder), limits) as box:
        await box.run(ask.format("DELETE"), 10)
    with pytest.raises(SandboxFailure, match="the service web beside the sandbox ran out of memory"):
        async with docker.open(blueprint(folder), limits) as box:
            await box.run(ask.format("PUT"), 10)
    assert boxes(docker, folder) == []


_OWNER = """
import asyncio, sys
from pathlib import Path
from services.kit.failure import Refused
from services.sandbox.docker.reaper import reap
from services.sandbox.docker.sandboxes import DockerSandboxes
from services.sandbox.port import Blueprint, Limits

async def main():
    folder = Path(sys.argv[1])
    labels = {"rollout": folder.name}
    blueprint = Blueprint(folder, compose=folder / "docker-compose.yaml", labels=labels)
    async with DockerSandboxes().accompanied(blueprint, Limits()):
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_services_end_when_their_owner_is_killed(docker: DockerSandboxes, folder: Path) -> None:
    """The ground ends by itself, and with it the claim of the services to live."""
    owned = [sys.executable, "-c", _OWNER, str(folder)]
    with subprocess.Popen(owned, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        assert len(boxes(docker, folder)) == 3
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while boxes(docker, folder) and time.monotonic() < deadline:
        await reap(docker._engine)
        await asyncio.sleep(0.1)
    assert boxes(docker, folder) == []


def harbor(folder: Path, task: Path, more: str = "") -> Path:
    """A Harbor directory whose agent is to post `solved` to the service."""
    shutil.copytree(folder, task / "environment")
    (task / "tests").mkdir()
    (task / "solution").mkdir()
    config = f'version = "1.0"\n[environment]\nallow_internet = false\n{more}'
    (task / "task.toml").write_text(config)
    (task / "instruction.md").write_text("Post solved to web.\n")
    (task / "solution/solve.sh").write_text(f"#!/bin/bash\n{_POST.format('solved')}\n")
    test = f'[ "$({_ASK.format("web:8080")})" = solved ] && echo 1 || echo 0'
    (task / "tests/test.sh").write_text(f"#!/bin/bash\n({test}) > /logs/verifier/reward.txt\n")
    return task


async def test_a_harbor_task_with_a_service_is_graded_beside_what_its_agent_left(
    docker: DockerSandboxes, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    read = TerminalTask.read(harbor(folder, tmp_path_factory.mktemp("harbor") / "task"), docker)
    attempts = Attempts(docker, Rules(), EnvironmentMetrics(), None)
    rewards = [(await played(attempts, read, agent)).reward for agent in (Oracle(), Noop())]
    assert rewards == [1.0, 0.0]


async def test_what_a_compose_file_asks_for_in_vain_is_named_when_the_task_is_read(
    docker: DockerSandboxes, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    task = harbor(folder, tmp_path_factory.mktemp("harbor") / "task")
    compose = task / "environment/docker-compose.yaml"
    compose.write_text(f"{_COMPOSE}  db: {{image: postgres, ports: ['5432:5432']}}\n")
    with pytest.raises(Refused, match=r"docker-compose\.yaml: db\.ports is not supported"):
        TerminalTask.read(task, docker)


async def test_a_way_out_is_one_for_the_sandbox_and_those_beside_it(
    docker: DockerSandboxes, folder: Path
) -> None:
    """The door that the task allows, and no more of an interface than before."""
    allowed = blueprint(folder, network=Network(NetworkMode.ALLOWLIST, ("example.org",)))
    async with docker.open(allowed, Limits()) as box:
        assert "403" in (await box.run(f"{_ASK.format('example.com')} 2>&1 | tail -1", 20)).output
        assert (await box.run(_ASK.format("web:8080"), 10)).output == "\n"  # beside it: not by the door
        assert (await box.run("grep -c : /proc/net/dev", 5)).output == "1\n"
    assert boxes(docker, folder) == []


async def test_a_network_of_the_verifiers_own_is_refused_where_services_stand_beside_both(
    docker: DockerSandboxes, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = '[verifier]\nnetwork_mode = "public"\n'
    task = harbor(folder, tmp_path_factory.mktemp("harbor") / "task", own)
    with pytest.raises(Refused, match=r"verifier\.network_mode = 'public', where services of docker-compose"):
        TerminalTask.read(task, docker)
