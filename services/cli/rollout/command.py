"""`podium rollout --harbor DIR`: one rollout of a Harbor directory, as it is."""

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from services.cli.child import ChildFailed
from services.cli.client import Json
from services.cli.exits import Exit, stop
from services.cli.rollout.model import tiny_policy
from services.cli.worker import WorkFailed, work

_MODULE = "environments.terminal"


def rollout(
    harbor: Annotated[Path, typer.Option(help="A Harbor task directory.")],
    agent: Annotated[
        Literal["oracle", "noop", "policy"],
        typer.Option(help="Its own solution, nothing, or the model with a bash tool."),
    ] = "policy",
    sandboxes: Annotated[
        Literal["bubblewrap", "docker"],
        typer.Option(help="Kind of sandbox; Docker can do what tasks may ask for."),
    ] = "bubblewrap",
    gateway_url: Annotated[
        str | None, typer.Option(help="Where the policy is; default: the tiny policy, started here.")
    ] = None,
    api_key_file: Annotated[Path | None, typer.Option(help="File with the key of --gateway-url.")] = None,
    model: Annotated[str, typer.Option(help="Name of the model at --gateway-url.")] = "policy",
    deadline_s: Annotated[float, typer.Option(min=1, help="Seconds for all of it.")] = 3600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, no table.")] = False,
) -> None:
    """Run one rollout of a Harbor directory, and say what it is worth.

    The policy is asked through a gateway: a given one, or one that is started here with the shipped tiny
    policy behind it. Ends with 0 if there is a reward, whatever it is, and with 1 after a failure.
    """
    if (gateway_url is None) != (api_key_file is None):
        stop("--gateway-url and --api-key-file belong together", Exit.USAGE)
    arguments = [str(harbor), "--agent", agent, "--deadline-s", str(deadline_s), "--sandboxes", sandboxes]
    if gateway_url is not None:
        arguments += ["--gateway-url", gateway_url, "--api-key-file", str(api_key_file), "--model", model]
    try:
        outcome = asyncio.run(_played(arguments, starts=agent == "policy" and gateway_url is None))
    except (WorkFailed, ChildFailed) as failed:
        stop(str(failed))
    except KeyboardInterrupt:
        stop("stopped")
    if as_json:
        print(json.dumps(outcome))
    else:
        _show(outcome)
    if outcome["reward"] is None:
        raise typer.Exit(Exit.FAILED)


async def _played(arguments: list[str], *, starts: bool) -> Json:
    if not starts:
        return await _outcome(arguments)
    async with tiny_policy() as door:
        here = ["--gateway-url", door.url, "--api-key-file", str(door.key_file), "--model", door.model]
        return await _outcome([*arguments, *here, "--rollout-id", door.rollout_id])


async def _outcome(arguments: list[str]) -> Json:
    async with aclosing(work(_MODULE, arguments)) as lines:
        return [line async for line in lines][-1]


def _show(outcome: Json) -> None:
    table = Table("", "", show_header=False)
    for name in ("agent", "cause", "reward", "turns", "seconds"):
        table.add_row(name, str(outcome[name]))
    for name, value in outcome["components"].items():
        table.add_row(f"component {name}", f"{value:g}")
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    if outcome["error"]:
        console.print(outcome["error"], markup=False)
    if tests := outcome["details"].get("tests"):
        console.print(f"the tests printed:\n{tests}", markup=False)
