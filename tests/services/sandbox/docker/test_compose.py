"""Compose files beside a sandbox, as they are read: what is not to be had is refused by service and key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.kit.failure import Refused
from services.sandbox.docker.compose import read_composition
from services.sandbox.docker.composition import Composition
from services.sandbox.docker.health import Health, seconds

_WHOLE = """
services:
  main:
    build: .
    environment: [MODE=fast, "EMPTY"]
    depends_on: {web: {condition: service_healthy}}
    command: ["sh", "-c", "sleep infinity"]
  web:
    build: {context: ./web}
    environment: {KEY: "${KEY:-none}", PRICE: "$$5"}
    command: serve --port 80
    depends_on: [db, seed]
    healthcheck: {test: "curl -f http://localhost", interval: 1m30s, timeout: 2s, retries: 5}
  seed:
    image: "busybox:${TAG}"
    depends_on: {db: {condition: service_started}}
  db:
    image: postgres
    expose: [5432]
  late:
    image: busybox
    depends_on: {seed: {condition: service_completed_successfully}}
"""


def read(folder: Path, text: str) -> Composition:
    (folder / "web").mkdir(exist_ok=True)
    (folder / "web" / "Dockerfile").write_text("FROM busybox\n")
    path = folder / "docker-compose.yaml"
    path.write_text(text)
    return read_composition(path, {"TAG": "1", "KEY": "given"})


def test_a_file_is_read_whole_and_each_service_comes_after_those_it_waits_for(tmp_path: Path) -> None:
    found = read(tmp_path, _WHOLE)
    services = {one.name: one for one in found.services}
    order = list(services)
    assert found.main.env == {"MODE": "fast", "EMPTY": ""}
    assert order.index("db") < order.index("seed") < min(order.index("web"), order.index("late"))
    assert services["web"].env == {"KEY": "given", "PRICE": "$5"}
    assert services["web"].folder == tmp_path / "web"
    assert services["web"].command == ["/bin/sh", "-c", "serve --port 80"]
    assert services["seed"].image == "busybox:1"
    assert found.ends == {"seed"}
    health = services["web"].health
    assert health == Health(("CMD-SHELL", "curl -f http://localhost"), 90.0, 2.0, 5, 0.0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[]", "the file is no table"),
        ("services: {db: {image: x, ports: [1]}}", "db.ports"),
        ("services: {db: {image: x, privileged: true}}", "db.privileged"),
        ("services: {db: {image: x, volumes: ['/:/host']}}", "db.volumes"),
        ("services: {db: {image: x, network_mode: host}}", "db.network_mode"),
        ("services: {main: {volumes: ['a:/b']}}", "main.volumes"),
        ("services: {main: {cap_add: [ALL]}}", "main.cap_add"),
        ("services: {main: {command: python server.py}}", "main.command"),
        ("services: {main: {build: {context: ., target: x}}}", "main.build"),
        ("services: {db: {image: x}}\nnetworks: {}", "the file.networks"),
        ("services: {db: {}}", "db needs either an image or a folder"),
        ("services: {db: {build: ../..}}", "db.build: ../.. is not below"),
        ("services: {db: {build: nowhere}}", "db.build: there is no nowhere/Dockerfile"),
        ("services: {db: {image: 'x:${NOSUCH}'}}", "NOSUCH"),
        ("services: {db: {image: x, depends_on: [web]}}", "there is no service web"),
        ("services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}", "in a circle"),
        ("services: {db: {image: x, healthcheck: {test: []}}}", "db.healthcheck"),
        ("services: {db: {image: x, healthcheck: {test: a, interval: soon}}}", "soon is no duration"),
        ("services: {db: {image: x, depends_on: {web: {condition: service_tired}}}}", "service_tired"),
        (": {", "cannot be read"),
    ],
)
def test_what_is_not_to_be_had_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(Refused) as refused:
        read(tmp_path, text)
    assert named in refused.value.detail
    assert refused.value.field == "services"


@given(some.integers(0, 48), some.integers(0, 59), some.integers(0, 59))
def test_durations_add_up(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest
