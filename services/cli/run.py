"""`podium run`: the whole loop on one machine, from evaluation to training to evaluation."""

import asyncio
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.child import ChildFailed
from services.cli.families import UnknownFamily, chosen, lacking, shares_of
from services.cli.folder import Plan, RunFolder
from services.cli.session import Session

console = Console()

_DEFAULT = "all"


def run(
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 64,
    seed: Annotated[int, typer.Option(help="Seed of task order, sampling and training.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Run folder; default: runs/<time>.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    evaluation_rollouts: Annotated[int, typer.Option(min=1, help="Rollouts of each evaluation.")] = 160,
    groups_per_step: Annotated[int, typer.Option(min=1, help="Groups trained in one step.")] = 8,
    group_size: Annotated[int, typer.Option(min=2, help="Rollouts of one task in a group.")] = 8,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="AdamW's learning rate.")] = 3e-4,
    max_staleness: Annotated[int, typer.Option(min=0, help="Oldest weights to train on, in versions.")] = 3,
    environments: Annotated[
        str, typer.Option(help="Task families to train on: all, or some of terminal,search,swe,slides.")
    ] = _DEFAULT,
    share: Annotated[
        list[str] | None, typer.Option(help="Shares of trained groups, such as terminal=0.4,swe=0.2.")
    ] = None,
) -> None:
    """Train the tiny policy on several task families at once: every process real, on this machine alone.

    Starts Valkey, orchestrator, gateway, engine, environments and learner, shows their progress, and
    ends with a report and a reward plot in the run folder. Ctrl-C stops cleanly; --resume goes on.
    """
    try:
        shares, left_out = _shares(environments, share or [])
        plan = Plan(
            steps,
            seed,
            evaluation_rollouts,
            groups_per_step,
            group_size,
            learning_rate,
            max_staleness,
            shares,
            left_out,
        )
        folder = RunFolder.open(resume) if resume else RunFolder.create(out or _fresh_folder(), plan)
        raise typer.Exit(asyncio.run(_run(folder)))
    except (FileExistsError, FileNotFoundError, UnknownFamily, ChildFailed) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None


def _shares(environments: str, asked: list[str]) -> tuple[dict[str, float], dict[str, str]]:
    """The share of each family that this machine can run, and what it lacks for the others."""
    names = chosen(environments)
    left_out = lacking(names)
    here = [name for name in names if name not in left_out]
    if not here:
        raise UnknownFamily("; ".join(f"{name} cannot run: {what}" for name, what in left_out.items()))
    asked = [item for text in asked for item in text.split(",")]
    return shares_of(here, [item for item in asked if item.partition("=")[0] not in left_out]), left_out


async def _run(folder: RunFolder) -> int:
    """0 if the run was finished, 130 if it was interrupted."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    started = time.monotonic()
    try:
        await Session(folder, console).run()
    except asyncio.CancelledError:
        console.print(f"stopped after {time.monotonic() - started:.0f} s; go on with --resume {folder.root}")
        return 130
    return 0


def _fresh_folder() -> Path:
    return Path("runs") / datetime.now().strftime("%Y%m%d-%H%M%S")
