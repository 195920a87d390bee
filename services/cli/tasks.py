"""`podium tasks`: whether tasks are fit to train on."""

import asyncio
import json
from contextlib import aclosing
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.cli.client import Json
from services.cli.exits import Exit, stop
from services.cli.worker import WorkFailed, work

app = typer.Typer(help="Tasks: whether they are fit to train on.", no_args_is_help=True)

_MODULE = "environments.validation"
_SHOWN = 20
_ROWS = {
    "tasks": "tasks",
    "oracle_full": "the oracle has full reward",
    "noop_full": "doing nothing has full reward",
    "controls_full": "a control has more than doing nothing",
    "leftovers": "processes, sandboxes and files left behind",
}


@app.callback()
def tasks() -> None:
    """Tasks: whether they are fit to train on."""


@app.command()
def validate(
    target: Annotated[
        str,
        typer.Argument(help="terminal, swe, search or slides: all shipped tasks; or a folder of tasks."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, no table.")] = False,
    first: Annotated[
        int | None, typer.Option("--tasks", min=1, help="Only the first so many tasks of each split.")
    ] = None,
    sandboxes: Annotated[
        Literal["bubblewrap", "docker"],
        typer.Option(help="Kind of sandbox; Docker can do what tasks may ask for."),
    ] = "bubblewrap",
    controls: Annotated[bool, typer.Option(help="Grade the negative controls too.")] = True,
) -> None:
    """Grade the oracle, doing nothing and every negative control on each task.

    The oracle must get full reward, doing nothing must not, no control may get more than doing nothing,
    and nothing may be left behind. Ends with 0 if all of that holds and with 1 otherwise. A folder holds
    Harbor directories, or is one, or has the rows of a software engineering, search or slides task.
    """
    arguments = [target, "--sandboxes", sandboxes]
    arguments += (["--tasks", str(first)] if first else []) + ([] if controls else ["--controls"])
    try:
        last = asyncio.run(_followed(arguments, Console(stderr=True, quiet=as_json)))
    except WorkFailed as failed:
        stop(f"the validation died: {failed}")
    except KeyboardInterrupt:
        stop("stopped")
    if "refused" in last:
        stop(last["refused"])
    validation = last["validation"]
    if as_json:
        print(json.dumps(validation))
    else:
        _show(Console(soft_wrap=True, highlight=False), validation)
    if not last["holds"]:
        raise typer.Exit(Exit.FAILED)


async def _followed(arguments: list[str], console: Console) -> Json:
    """The last line that the child tells; until then its progress is shown."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    last: Json = {}
    with bar:
        shown = bar.add_task("tasks", total=None)
        async with aclosing(work(_MODULE, arguments)) as lines:
            async for last in lines:
                if "of" in last:
                    what = f"tasks ({last['wrong']} findings)" if last["wrong"] else "tasks"
                    bar.update(shown, completed=last["tasks"], total=last["of"], description=what)
    return last


def _show(console: Console, validation: Json) -> None:
    table = Table("", "", show_header=False)
    for name, meaning in _ROWS.items():
        table.add_row(meaning, str(validation[name]))
    table.add_row("trials", str(validation["played"]))
    console.print(table)
    wrong = validation["wrong"]
    if not wrong:
        console.print("[green]all of it holds[/green]")
        return
    findings = Table("task", "player", "found")
    for finding in wrong[:_SHOWN]:
        findings.add_row(finding["task"], finding["player"], finding["found"])
    console.print(findings, markup=False)
    if len(wrong) > _SHOWN:
        console.print(f"and {len(wrong) - _SHOWN} more (--json lists all)")
