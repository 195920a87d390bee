"""`podium rollouts list|show|tail|cancel|replay`."""

import asyncio
import json
import time
from typing import Annotated
from uuid import uuid4

import httpx
import typer
from rich.markup import escape
from rich.rule import Rule

from services.cli.client import Json
from services.cli.exits import Exit, stop
from services.cli.rest.place import Place, place, refuse
from services.cli.rest.shown import AsJson, console, print_facts, print_json, print_table, text, when

app = typer.Typer(help="Rollouts: find, read, follow, cancel and replay them.", no_args_is_help=True)
_ID = Annotated[str, typer.Argument(help="Id of the rollout.")]
_ENVIRONMENT = Annotated[str | None, typer.Option(help="Of this environment alone.")]
_COLOURS = {"system": "dim", "user": "cyan", "assistant": "green", "tool": "yellow"}
_ENDED = frozenset({"sealed", "failed"})


@app.command("list")
def list_rollouts(
    context: typer.Context,
    environment: _ENVIRONMENT = None,
    state: Annotated[str | None, typer.Option(help="queued, running, reported, sealed or failed.")] = None,
    cause: Annotated[str | None, typer.Option(help="Why they ended, such as sandbox.")] = None,
    group: Annotated[str | None, typer.Option(help="Id of their group.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only those that failed at every attempt.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Find rollouts, newest first."""
    wanted = {"environment": environment, "state": state, "cause": cause, "group_id": group, "dead": dead}

    async def found() -> list[Json]:
        async with place(context).open() as door:
            return [one async for one in door.pages("/v1/rollouts", "rollouts", wanted, limit)]

    rollouts = asyncio.run(found())
    if as_json:
        print_json(rollouts)
        return
    print_table(
        rollouts,
        {
            "ROLLOUT": lambda one: one["rollout_id"],
            "ENVIRONMENT": lambda one: one["environment"],
            "PURPOSE": lambda one: one["purpose"],
            "ATTEMPT": lambda one: one["attempt"],
            "STATE": lambda one: one["state"],
            "CAUSE": lambda one: one["cause"],
            "REWARD": lambda one: one["reward"],
            "TURNS": lambda one: one["turns"],
            "SECONDS": lambda one: one["seconds"],
            "OPENED": lambda one: when(one["opened_at"]),
        },
        "no rollout fits",
    )


@app.command()
def show(
    context: typer.Context,
    rollout_id: _ID,
    tokens: Annotated[bool, typer.Option("--tokens", help="With --json: ids and log-probs too.")] = False,
    as_json: AsJson = False,
) -> None:
    """One rollout: its attempts, how it ended and what was said."""
    found = place(context).ask("GET", f"/v1/rollouts/{rollout_id}", params={"tokens": tokens})
    if as_json:
        print_json(found)
        return
    _facts(found)
    for message in found["messages"]:
        _say(message)


@app.command()
def tail(context: typer.Context, environment: _ENVIRONMENT = None, as_json: AsJson = False) -> None:
    """Follow rollouts as they move, until Ctrl-C. With --json, one object a line."""
    try:
        asyncio.run(_follow(place(context), environment, as_json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command()
def cancel(context: typer.Context, rollout_id: _ID, as_json: AsJson = False) -> None:
    """End a rollout with cause `cancelled`."""
    found = place(context).ask("DELETE", f"/v1/rollouts/{rollout_id}")
    if as_json:
        print_json(found)
    else:
        _facts(found)


@app.command()
def replay(
    context: typer.Context,
    rollout_id: _ID,
    again: Annotated[bool, typer.Option("--again", help="Run its task again instead.")] = False,
    delay: Annotated[float, typer.Option(min=0.0, help="Seconds between messages; 0: press Enter.")] = 0.5,
    as_json: AsJson = False,
) -> None:
    """Play a rollout back message by message, as it was recorded: nothing runs.

    With --again its task is run once more by today's policy, as a new rollout that is never trained, and
    that one is shown when it has ended. The old rollout stays as it is.
    """
    where = place(context)
    if again:
        rollout_id = _again(where, rollout_id)
    found = where.ask("GET", f"/v1/rollouts/{rollout_id}")
    if as_json:
        print_json(found)
        return
    for message in found["messages"]:
        _say(message)
        if delay == 0:
            input()
        else:
            time.sleep(delay)
    _facts(found)


def _again(where: Place, rollout_id: str) -> str:
    """The id of a new rollout of the same task, once that has ended."""
    started = where.ask("POST", f"/v1/rollouts/{rollout_id}/replay", key=uuid4().hex)
    again = str(started["rollout_id"])
    while where.ask("GET", f"/v1/rollouts/{again}")["state"] not in _ENDED:
        time.sleep(0.5)
    return again


async def _follow(where: Place, environment: str | None, as_json: bool) -> None:
    params = {} if environment is None else {"environment": environment}
    try:
        async with (
            where.open() as door,
            door.client.stream("GET", "/v1/rollouts/stream", params=params, timeout=None) as reply,
        ):
            if reply.is_error:
                refuse(reply.status_code, await reply.aread())
            async for line in reply.aiter_lines():
                if line.startswith("data: "):
                    _tell(json.loads(line.removeprefix("data: ")), as_json)
    except httpx.HTTPError as error:
        stop(f"the stream of {where.address} broke off: {error!r}", Exit.UNREACHABLE)


def _tell(event: Json, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event), flush=True)
        return
    missed = f" ({event['missed']} events missed before)" if event["missed"] else ""
    said = [event["environment"], event["rollout_id"], f"attempt {event['attempt']}", event["state"]]
    said += [part for part in (event["cause"] or event["retried"],) if part]
    said += [f"reward {text(event['reward'])}"] if event["reward"] is not None else []
    print("  ".join(said) + missed, flush=True)


def _facts(found: Json) -> None:
    print_facts(
        [
            ("rollout", found["rollout_id"]),
            ("task", f"{found['environment']} {found['split']}/{found['task_index']}"),
            ("group", f"{found['group_id']}, slot {found['slot']}, {found['purpose']}"),
            ("state", found["state"]),
            ("cause", found["cause"]),
            ("reward", found["reward"]),
            ("components", found["components"]),
            ("error", found["error"]),
            ("turns", found["turns"]),
            ("seconds", found["seconds"]),
            ("sampled tokens", found["sampled_tokens"]),
            ("weights", f"{text(found['oldest_version'])} to {text(found['newest_version'])}"),
            ("opened", when(found["opened_at"])),
            ("ended", when(found["ended_at"])),
            *((f"attempt {one['attempt']}", _attempt(one)) for one in found["attempts"]),
        ]
    )


def _attempt(one: Json) -> str:
    parts = [one["cause"], "tried again" if one["retried"] else None, one["error"]]
    return ": ".join(str(part) for part in [*parts, *(one["labels"] or ())] if part)


def _say(message: Json) -> None:
    colour, out = _COLOURS.get(message["role"], "white"), console()
    branch = f", branch {message['branch']}" if message["branch"] else ""
    out.print(Rule(f"{message['role']} (call {message['call']}{branch})", style=colour, align="left"))
    if message["reasoning"]:
        out.print(f"[dim]{escape(message['reasoning'])}[/dim]")
    if message["content"]:
        out.print(escape(message["content"]))
    for call in message["tool_calls"]:
        out.print(f"[bold]→ {escape(call['name'])}[/bold] {escape(call['arguments'])}")
