"""`python -m bench walk`: the walk of docs/cluster.md, done by a program and a browser, with its pictures.

A cluster comes up from images that are built first, a newcomer registers by REST, and a browser looks at
what a person would look at. Needs Docker and a Chromium.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe

import httpx
from playwright.sync_api import Page, sync_playwright

from bench.cluster import ROOT, Cluster, progress_of, until
from bench.table import table

_FAMILIES = ("terminal", "swe", "search", "slides")
_SETTINGS = {"PODIUM_GROUPS_PER_STEP": "4", "PODIUM_GROUP_SIZE": "4"}
_WIDE = {"width": 1280, "height": 860}
_NEWCOMER = "newcomer"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench walk", description=__doc__)
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--browser", default="/usr/bin/chromium", help="its program")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds to wait for each stage")
    options = parser.parse_args(argv)
    cluster = Cluster(settings=_SETTINGS)
    cluster.build()
    try:
        figures = _walk(cluster, options)
    finally:
        cluster.down()
    print(table(("stage", "seconds"), [(name, f"{value:.0f}") for name, value in figures.items()]))
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


def _walk(cluster: Cluster, options: argparse.Namespace) -> dict[str, float]:
    started, figures = time.monotonic(), dict[str, float]()
    cluster.up()
    dispatch_token = token_urlsafe(16)
    with cluster.client() as client, cluster.environment(_NEWCOMER, dispatch_token) as url:
        until(lambda: _trained(client, *_FAMILIES) > 0, options.limit, "a trained group")
        figures["seconds_to_first_group"] = time.monotonic() - started
        _register(client, url, dispatch_token, options.limit)
        figures["seconds_to_newcomers_group"] = until(
            lambda: _trained(client, _NEWCOMER) > 0, options.limit, "a trained group of the newcomer"
        )
        everybody = (*_FAMILIES, _NEWCOMER)
        until(lambda: all(_trained(client, name) > 1 for name in everybody), options.limit, "groups of all")
        token = client.headers["authorization"].removeprefix("Bearer ")
        with _browser(cluster, token, options.browser) as page:
            _look(page, client, options.pictures)
    figures["seconds_of_the_walk"] = time.monotonic() - started
    return figures


def _register(client: httpx.Client, url: str, dispatch_token: str, limit_s: float) -> None:
    body = {"name": _NEWCOMER, "url": url, "dispatch_token": dispatch_token}
    until(lambda: client.post("/v1/environments", json=body).status_code == 201, limit_s, "its registration")
    client.patch(f"/v1/environments/{_NEWCOMER}", json={"share": 0.4}).raise_for_status()


def _look(page: Page, client: httpx.Client, pictures: Path) -> None:
    """What docs/cluster.md shows, in its order."""
    pictures.mkdir(parents=True, exist_ok=True)
    group = _trained_group(client, "swe")
    solved, drawn = _best_of(client, group), _best_of(client, _trained_group(client, "slides"))
    for name, path, part in (
        ("overview", "", None),
        ("newcomer", f"environments/{_NEWCOMER}", None),
        ("rollouts", f"rollouts?environment={_NEWCOMER}", "h1"),
        ("group", f"groups/{group}", "h1"),
        ("rollout", f"rollouts/{solved}", "h1"),
        ("tokens", f"rollouts/{solved}", "#reading"),
        ("slides", f"rollouts/{drawn}", "h1"),
    ):
        page.goto(f"/console/{path}", wait_until="load")
        if part is not None:
            page.locator(part).first.evaluate("part => part.scrollIntoView()")
        page.wait_for_timeout(1500)  # for what scripts fetch afterwards
        page.screenshot(path=pictures / f"{name}.png", full_page=part is None)


@contextmanager
def _browser(cluster: Cluster, token: str, program: str) -> Iterator[Page]:
    """A page of the console, signed in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, chromium_sandbox=os.geteuid() != 0, args=["--disable-gpu"]
        )
        page = browser.new_page(base_url=cluster.url, viewport=_WIDE)  # type: ignore[arg-type]
        page.goto("/")
        page.fill("input[name=token]", token)
        page.click("form.sign-in button")
        page.wait_for_selector("h1:has-text('Overview')")
        yield page
        browser.close()


def _trained_group(client: httpx.Client, environment: str) -> str:
    """The newest group of an environment that was trained."""
    asked = {"environment": environment, "state": "trained", "limit": "1"}
    page = client.get("/v1/groups", params=asked).raise_for_status().json()
    return str(page["groups"][0]["group_id"])


def _best_of(client: httpx.Client, group: str) -> str:
    """The rollout of a group that earned most."""
    found = client.get(f"/v1/groups/{group}").raise_for_status().json()["rollouts"]
    return str(max(found, key=lambda rollout: rollout["reward"] or 0.0)["rollout_id"])


def _trained(client: httpx.Client, *names: str) -> int:
    """Groups of these environments that were trained."""
    rows = (progress_of(client) or {"environments": []})["environments"]
    return sum(int(row["groups_trained"]) for row in rows if row["name"] in names)
