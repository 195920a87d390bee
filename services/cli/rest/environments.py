"""`podium env register|list|show|update|drain|remove`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from services.cli.authoring.options import dispatch_token
from services.cli.client import Json
from services.cli.exits import Exit, stop
from services.cli.rest.place import place
from services.cli.rest.shown import AsJson, print_facts, print_json, print_table, text, when

_NAME = Annotated[str, typer.Argument(help="Name of the environment.")]
_POLL_S = 0.5


def register(
    context: typer.Context,
    name: _NAME,
    url: Annotated[str, typer.Argument(help="Where the orchestrator reaches it.")],
    share: Annotated[float, typer.Option(min=0.0, help="Relative weight among environments.")] = 1.0,
    max_in_flight: Annotated[int | None, typer.Option(min=1, help="Rollouts at once.")] = None,
    dispatch_token_file: Annotated[
        Path | None,
        typer.Option(envvar="PODIUM_DISPATCH_TOKEN_FILE", help="File with the token that it asks for."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an environment known, or known again at another address."""
    body = {
        "name": name,
        "url": url,
        "share": share,
        "max_in_flight": max_in_flight,
        "dispatch_token": dispatch_token(dispatch_token_file) or "",
    }
    _show(place(context).ask("POST", "/v1/environments", body=body), as_json)


def list_environments(context: typer.Context, as_json: AsJson = False) -> None:
    """All environments: shares, what is in flight, rewards and failures."""
    found = place(context).ask("GET", "/v1/environments")
    if as_json:
        print_json(found)
        return
    print_table(
        found["environments"],
        {
            "NAME": lambda one: one["name"],
            "STATE": lambda one: one["state"],
            "TARGET": lambda one: one["progress"]["target_share"],
            "SHARE": lambda one: one["progress"]["share"],
            "IN FLIGHT": lambda one: one["progress"]["in_flight"],
            "TRAINED": lambda one: one["progress"]["groups_trained"],
            "REWARD": lambda one: one["progress"]["mean_reward"],
            "FAILURES": lambda one: sum(one["progress"]["failed_by_cause"].values()),
            "URL": lambda one: one["url"],
        },
        "no environment is registered",
    )


def show(context: typer.Context, name: _NAME, as_json: AsJson = False) -> None:
    """One environment: how it is registered, what it offers and how it does."""
    _show(place(context).ask("GET", f"/v1/environments/{name}"), as_json)


def update(
    context: typer.Context,
    name: _NAME,
    share: Annotated[float | None, typer.Option(min=0.0, help="Relative weight.")] = None,
    min_share: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Of all groups.")] = None,
    max_share: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Of all groups.")] = None,
    max_in_flight: Annotated[int | None, typer.Option(min=1, help="Rollouts at once.")] = None,
    deadline_s: Annotated[float | None, typer.Option(min=0.0, help="Seconds of a rollout.")] = None,
    state: Annotated[str | None, typer.Option(help="active, draining or paused.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change shares, limits or state while it runs; takes effect at once."""
    said = {
        "share": share,
        "min_share": min_share,
        "max_share": max_share,
        "max_in_flight": max_in_flight,
        "deadline_s": deadline_s,
        "state": state,
    }
    body = {field: value for field, value in said.items() if value is not None}
    if not body:
        stop("nothing to change: name at least one option", Exit.USAGE)
    _show(place(context).ask("PATCH", f"/v1/environments/{name}", body=body), as_json)


def drain(
    context: typer.Context,
    name: _NAME,
    wait: Annotated[bool, typer.Option(help="Return once nothing of it is in flight.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give it no new groups; open ones end."""
    where, path = place(context), f"/v1/environments/{name}"
    found = where.ask("PATCH", path, body={"state": "draining"})
    while wait and found["progress"]["in_flight"] > 0:
        time.sleep(_POLL_S)
        found = where.ask("GET", path)
    _show(found, as_json)


def remove(
    context: typer.Context,
    name: _NAME,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget it; what is live in it ends with cause `cancelled`."""
    if not yes:
        typer.confirm(f"Remove environment {name} and cancel what is live in it?", abort=True)
    place(context).ask("DELETE", f"/v1/environments/{name}")


def _show(found: Json, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    progress, manifest = found["progress"], found["manifest"]
    print_facts(
        [
            ("name", found["name"]),
            ("url", found["url"]),
            ("state", found["state"]),
            ("registered", when(found["registered_at"])),
            ("share", f"{text(progress['share'])} of {text(progress['target_share'])}"),
            ("bounds", f"{text(found['min_share'])} to {text(found['max_share'])}"),
            ("in flight", f"{progress['in_flight']} of {found['max_in_flight'] or manifest['capacity']}"),
            ("deadline", f"{text(found['deadline_s'])} s" if found["deadline_s"] else "as the settings say"),
            ("groups trained", progress["groups_trained"]),
            ("mean reward", progress["mean_reward"]),
            ("failures", {cause: n for cause, n in progress["failed_by_cause"].items() if n}),
            ("version", manifest["version"]),
            ("tasks", manifest["splits"]),
            ("isolation", manifest["isolation"]),
        ]
    )
