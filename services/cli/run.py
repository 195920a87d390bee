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
from services.cli.folder import Plan, RunFolder
from services.cli.session import Session

console = Console()


def run(
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed of task order, sampling and training.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Run folder; default: runs/<time>.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    evaluation_rollouts: Annotated[int, typer.Option(min=1, help="Rollouts of each evaluation.")] = 128,
    groups_per_step: Annotated[int, typer.Option(min=1, help="Groups trained in one step.")] = 8,
    group_size: Annotated[int, typer.Option(min=2, help="Rollouts of one task in a group.")] = 8,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="AdamW's learning rate.")] = 2e-4,
    max_staleness: Annotated[int, typer.Option(min=0, help="Oldest weights to train on, in versions.")] = 2,
) -> None:
    """Train the tiny policy on terminal tasks: every process real, on this machine alone.

    Starts Valkey, orchestrator, gateway, engine, environment and learner, shows their progress, and
    ends with a report and a reward plot in the run folder. Ctrl-C stops cleanly; --resume goes on.
    """
    plan = Plan(steps, seed, evaluation_rollouts, groups_per_step, group_size, learning_rate, max_staleness)
    try:
        folder = RunFolder.open(resume) if resume else RunFolder.create(out or _fresh_folder(), plan)
        raise typer.Exit(asyncio.run(_run(folder)))
    except (FileExistsError, FileNotFoundError, ChildFailed) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(1) from None


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
