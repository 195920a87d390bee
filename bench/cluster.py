"""A cluster of docker-compose.yml with a project name and ports of its own, for benchmarks and tests."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from services.kit.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {"COMPOSE_PROFILES": ""}  # Grafana's image is not to be had everywhere
_PORTS = ("ORCHESTRATOR", "GATEWAY", "PROMETHEUS")
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

Json = dict[str, Any]


@dataclass
class Cluster:
    """Containers, networks and volumes under one project name; `down` removes them all."""

    project: str = field(default_factory=lambda: f"podium-{token_hex(3)}")
    settings: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=lambda: {name: free_port() for name in _PORTS})

    def compose(self, *arguments: str, timeout_s: float = 600) -> str:
        """What `docker compose` prints. Raises RuntimeError with its words if it fails."""
        command = ["docker", "compose", "--project-name", self.project, "--env-file", ".env.example"]
        return _output([*command, *arguments], timeout_s, self._variables())

    def build(self) -> None:
        self.compose("build", timeout_s=3600)

    def up(self, *arguments: str) -> None:
        """Start everything from images that are there; with `--wait`, until all of it is healthy."""
        self.compose("up", "--detach", "--no-build", *arguments)

    def down(self) -> None:
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans")

    def left(self) -> list[str]:
        """Containers, volumes and networks of this project that are there."""
        mine = ["--filter", f"label=com.docker.compose.project={self.project}"]
        lists = (["ps", "--all", "--quiet"], ["volume", "ls", "--quiet"], ["network", "ls", "--quiet"])
        return [line for listed in lists for line in _output(["docker", *listed, *mine]).split()]

    def containers(self) -> dict[str, Json]:
        """What `docker inspect` says of each service's container."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(_output(["docker", "inspect", *ids])) if ids else []
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}

    @contextmanager
    def environment(self, name: str, dispatch_token: str) -> Iterator[str]:
        """One more terminal environment beside that of the cluster; yields its address."""
        container = f"{self.project}-{name}"
        url = f"http://{container}:8300"
        variables = {"NAME": name, "PUBLIC_URL": url, "DISPATCH_TOKEN_FILE": "/run/podium/dispatch_token"}
        given = [
            part for key, value in variables.items() for part in ("-e", f"PODIUM_ENVIRONMENT_{key}={value}")
        ]
        with TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            token = Path(folder) / "dispatch_token"
            token.write_text(dispatch_token)
            mount = ("--volume", f"{token}:/run/podium/dispatch_token:ro")
            self.compose("run", "--detach", "--no-deps", "--name", container, *mount, *given, "terminal")
            try:
                yield url
            finally:
                _output(["docker", "rm", "--force", container])

    def kill(self, service: str) -> None:
        """SIGKILL for the first process of a container, as the kernel would send it.

        `docker kill` would count as a person's wish to stop it, and nothing would start it again.
        """
        pid = self.containers()[service]["State"]["Pid"]
        image = self.containers()["secrets"]["Config"]["Image"]
        rights = ["--pid=host", "--user=0", "--network=none", "--entrypoint=python"]
        _output(["docker", "run", "--rm", *rights, image, "-c", f"import os; os.kill({pid}, 9)"])

    def healthy(self, service: str) -> bool:
        state = self.containers()[service]["State"]
        return bool(state["Running"]) and state.get("Health", {}).get("Status") == "healthy"

    def memory(self) -> int:
        """Bytes that all containers hold, without the cache of files."""
        ids = self.compose("ps", "--quiet").split()
        lines = _output(["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", *ids])
        return sum(_bytes(line.split("/")[0].strip()) for line in lines.splitlines())

    def image_sizes(self) -> dict[str, int]:
        """Bytes of each image that the services run."""
        names = sorted({each["Config"]["Image"] for each in self.containers().values()})
        shown = _output(["docker", "image", "inspect", "--format", "{{.Size}}", *names]).split()
        return dict(zip(names, map(int, shown), strict=True))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['ORCHESTRATOR']}"

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['PROMETHEUS']}"

    def client(self) -> httpx.Client:
        """An administrator's client to the orchestrator."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / "admin_token"
            self.compose("cp", f"secrets:/run/podium/keys/all/{file.name}", str(file))
            token = file.read_text().strip()
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {token}"}, timeout=15)

    def _variables(self) -> dict[str, str]:
        ports = {f"PODIUM_{name}_PORT": str(port) for name, port in self.ports.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PODIUM_")}
        return {**kept, **SETTINGS, **ports, **self.settings}


def progress_of(client: httpx.Client) -> Json | None:
    """`GET /v1/progress`, or None while nobody answers."""
    try:
        response = client.get("/v1/progress")
    except httpx.TransportError:
        return None
    return dict(response.json()) if response.status_code == 200 else None


def until(reached: Callable[[], bool], timeout_s: float, what: str) -> float:
    """Seconds until something holds. Raises TimeoutError that says what did not come about."""
    started = time.monotonic()
    while not reached():
        if time.monotonic() - started > timeout_s:
            raise TimeoutError(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(0.5)
    return time.monotonic() - started


def _bytes(text: str) -> int:
    found = re.fullmatch(r"([\d.]+)(\w+)", text)
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"docker stats says {text!r}, which is no number of bytes")
    return int(float(found[1]) * _UNITS[found[2]])


def _output(command: list[str], timeout_s: float = 120, variables: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ends with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout
