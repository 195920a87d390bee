"""The cluster of docker-compose.yml as a user has it: it trains, takes a new environment, and survives.

Runs by `make e2e` alone: it takes minutes. One cluster serves all tests, in this order.
"""

import json
from collections.abc import Iterator
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest

from bench.cluster import Cluster, progress_of, until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]

FAMILIES = ("terminal", "swe", "search", "slides")
WAIT_S = 600.0
FIRST_GROUP_S = 180.0

# Whom a container can connect to, by address: nothing is left to names that do not resolve.
REACH = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reached(target):
    try:
        with socket.create_connection(tuple(target[1:]), 2): return target[0]
    except OSError: return None
with ThreadPoolExecutor(64) as threads:
    print(json.dumps([name for name in threads.map(reached, json.loads(sys.argv[1])) if name]))
"""
PORTS = {"redis": 6379, "postgres": 5432, "orchestrator": 8000, "gateway": 8100, "engine": 8200}
PORTS |= {"sandbox-host": 8600, "learner": 8400, "prometheus": 9090, **dict.fromkeys(FAMILIES, 8300)}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(settings={"PODIUM_GROUPS_PER_STEP": "4", "PODIUM_GROUP_SIZE": "4"})
    cluster.build()
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="module")
def client(cluster: Cluster) -> Iterator[httpx.Client]:
    with cluster.client() as client:
        yield client


def progress(client: httpx.Client) -> dict[str, Any]:
    found = progress_of(client)
    return found or {"step": -1, "environments": [], "groups": {"trained": 0}}


def trained(client: httpx.Client, name: str) -> int:
    rows = {row["name"]: row["groups_trained"] for row in progress(client)["environments"]}
    return int(rows.get(name, 0))


def healthy(cluster: Cluster) -> bool:
    return all(cluster.healthy(service) for service in cluster.containers() if service != "secrets")


def test_it_trains_on_the_four_environments(cluster: Cluster, client: httpx.Client) -> None:
    until(lambda: progress(client)["groups"]["trained"] > 0, FIRST_GROUP_S, "a first trained group")
    until(lambda: healthy(cluster), WAIT_S, "health of every service")
    for family in FAMILIES:
        until(lambda name=family: trained(client, name) > 0, WAIT_S, f"trained groups of {family}")  # type: ignore[misc]
    until(lambda: progress(client).get("weight_version", 0) > 0, WAIT_S, "new weights")
    until(lambda: _versions(client) == {progress(client)["weight_version"]}, WAIT_S, "engines that hold them")


def _versions(client: httpx.Client) -> set[int]:
    return {engine["weight_version"] for engine in progress(client)["engines"]}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_environment_reaches_those_who_serve_it_and_nobody_else(cluster: Cluster, family: str) -> None:
    targets = [
        (service, network["IPAddress"], PORTS[service])
        for service, container in cluster.containers().items()
        if service in PORTS and service != family
        for network in container["NetworkSettings"]["Networks"].values()
    ] + [("the internet", "1.1.1.1", 443), ("metadata", "169.254.169.254", 80)]
    said = cluster.compose("exec", "-T", family, "python", "-c", REACH, json.dumps(targets))
    wanted = {"orchestrator", "gateway"} | ({"sandbox-host"} if family != "slides" else set())
    assert set(json.loads(said)) == wanted


def test_a_new_environment_registers_by_rest_and_is_trained(cluster: Cluster, client: httpx.Client) -> None:
    token = token_urlsafe(16)
    with cluster.environment("newcomer", token) as url:
        body = {"name": "newcomer", "url": url, "dispatch_token": token}
        until(lambda: client.post("/v1/environments", json=body).status_code == 201, WAIT_S, "registration")
        client.patch("/v1/environments/newcomer", json={"share": 2.0}).raise_for_status()
        shown = client.get("/v1/environments/newcomer").json()
        assert (shown["share"], shown["state"]) == (2.0, "active")
        until(lambda: trained(client, "newcomer") >= 2, WAIT_S, "its trained groups")
        page = client.get("/v1/rollouts", params={"environment": "newcomer", "limit": 5}).json()
        assert page["rollouts"]
        assert client.delete("/v1/environments/newcomer").status_code == 204


def test_prometheus_has_what_processes_measure(cluster: Cluster) -> None:
    def rows(query: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{cluster.prometheus_url}/api/v1/query", params={"query": query}).json()
        return list(answer["data"]["result"])

    def scraped() -> set[str]:
        found = [row["metric"] for row in rows("up == 1")]
        return {word for metric in found for word in (metric["job"], metric["instance"].split(":")[0])}

    until(
        lambda: scraped() >= {"orchestrator", "gateway", "engine", "learner", *FAMILIES}, 120, "all scrapes"
    )
    for query in (
        'sum(podium_groups_total{state="trained"})',
        "sum(podium_learner_trained_tokens_total)",
        'sum(podium_environment_turns_total{instance="terminal"})',
    ):
        until(lambda asked=query: any(float(row["value"][1]) for row in rows(asked)), 60, query)  # type: ignore[misc]


def test_a_run_survives_restarts_and_kills_of_every_service(cluster: Cluster, client: httpx.Client) -> None:
    for service in sorted(set(cluster.containers()) - {"secrets"}):
        cluster.compose("restart", service)
        until(lambda name=service: cluster.healthy(name), WAIT_S, f"{service} after a restart")  # type: ignore[misc]
        before = cluster.containers()[service]["RestartCount"]
        cluster.kill(service)
        until(
            lambda name=service, count=before: (  # type: ignore[misc]
                cluster.containers()[name]["RestartCount"] > count and cluster.healthy(name)
            ),
            WAIT_S,
            f"{service} after SIGKILL",
        )
        step = int(progress(client)["step"])
        until(
            lambda reached=step: int(progress(client)["step"]) > reached,  # type: ignore[misc]
            WAIT_S,
            f"a step after {service}",
        )
    last = progress(client)
    assert last["conservation_error"] == 0
    assert last["tito"]["breaks"] == 0


def test_it_leaves_nothing_behind(cluster: Cluster) -> None:
    assert cluster.left()
    cluster.down()
    assert cluster.left() == []
