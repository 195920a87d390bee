"""docker-compose.yml as Compose itself understands it: what each service may, and whom it reaches."""

import json
import os
import re
import subprocess
from functools import cache
from typing import Any

import pytest

from deploy.keys import SERVICES
from tests.architecture.sources import ROOT

pytestmark = pytest.mark.docker

ENVIRONMENTS = ("terminal", "swe", "search", "slides")
ONE_SHOT = "secrets"
Json = dict[str, Any]


@cache
def config() -> Json:
    """Every profile, with the defaults of .env.example."""
    command = [
        "docker",
        "compose",
        "--env-file",
        ".env.example",
        "--profile",
        "*",
        "config",
        "--format",
        "json",
    ]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PODIUM_")}
    done = subprocess.run(
        command, cwd=ROOT, env=plain, capture_output=True, text=True, timeout=60, check=True
    )
    return dict(json.loads(done.stdout))


def services() -> dict[str, Json]:
    return dict(config()["services"])


def networks(service: str) -> set[str]:
    return set(services()[service].get("networks") or ())


def test_every_service_is_held_tight() -> None:
    for name, service in services().items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["read_only"] is True, name
        assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & service.keys(), name
        assert service["user"].split(":")[0] not in ("", "0", "root"), name
        limits = service["deploy"]["resources"]["limits"]
        assert {"memory", "pids"} <= limits.keys(), name


def test_every_service_is_watched_and_started_again() -> None:
    for name, service in services().items():
        if name != ONE_SHOT:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name


def test_services_start_when_what_they_need_is_healthy() -> None:
    for name, service in services().items():
        needs = {needed: how["condition"] for needed, how in service.get("depends_on", {}).items()}
        assert all(
            condition == ("service_completed_successfully" if needed == ONE_SHOT else "service_healthy")
            for needed, condition in needs.items()
        ), name
    for environment in ENVIRONMENTS:
        assert {"orchestrator", "gateway"} <= services()[environment]["depends_on"].keys()
    assert {"redis", "postgres"} <= services()["orchestrator"]["depends_on"].keys()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_meets_only_those_who_serve_it(environment: str) -> None:
    met = {name for name in services() if name != environment and networks(name) & networks(environment)}
    assert met <= {"orchestrator", "gateway", "sandbox-host"}
    assert {"orchestrator", "gateway"} <= met
    assert ("sandbox-host" in met) == (environment != "slides")
    assert "outside" not in networks(environment)


def test_the_docker_socket_is_for_the_sandbox_host_alone() -> None:
    holders = {
        name
        for name, service in services().items()
        for volume in service.get("volumes") or ()
        if "docker.sock" in volume["target"] or "docker.sock" in volume["source"]
    }
    assert holders == {"sandbox-host"}


def test_only_what_people_use_is_published_and_on_the_loopback_address_alone() -> None:
    published = {
        name: [(port["host_ip"], port["published"]) for port in service["ports"]]
        for name, service in services().items()
        if service.get("ports")
    }
    assert published == {
        "orchestrator": [("127.0.0.1", "8000")],
        "gateway": [("127.0.0.1", "8100")],
        "prometheus": [("127.0.0.1", "9090")],
        "grafana": [("127.0.0.1", "3000")],
    }
    open_networks = {name for name, network in config()["networks"].items() if not network.get("internal")}
    assert open_networks == {"outside"}
    assert {name for name in services() if "outside" in networks(name)} == set(published)


def test_secrets_come_from_files_of_their_own() -> None:
    for name, service in services().items():
        for variable, value in (service.get("environment") or {}).items():
            secret = re.search(r"PASSWORD|SECRET|TOKEN|KEY", variable) and "TOKENS" not in variable
            assert not secret or str(value).startswith("/run/podium/secrets/") or value in ("64",), (
                name,
                variable,
            )
        for volume in service.get("volumes") or ():
            if volume["target"] == "/run/podium/secrets":
                assert volume["source"].startswith("secrets-"), name
                assert volume["source"].removeprefix("secrets-") in SERVICES, name
                assert volume["read_only"] is True, name
    handed = {
        volume["target"].rsplit("/", 1)[1]: volume["source"] for volume in services()[ONE_SHOT]["volumes"]
    }
    assert handed == {"all": "secrets", **{service: f"secrets-{service}" for service in SERVICES}}


def test_every_variable_is_in_the_example_with_its_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    assert len(set(re.findall(r"(?<!\$)\$\{([^}]*)\}", text))) == len(used), "a variable has two defaults"
    lines = (ROOT / ".env.example").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    told.pop("COMPOSE_PROFILES")
    assert told == used
