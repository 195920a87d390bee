"""`podium`: the command line."""

import typer

from services.cli import builders, env, tasks
from services.cli.rollout.command import rollout
from services.cli.run import run

app = typer.Typer(
    name="podium",
    help="Multi-task rollout orchestrator for agentic reinforcement learning.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(rollout)
app.add_typer(env.app, name="env")
app.add_typer(tasks.app, name="tasks")
app.add_typer(builders.swe, name="swe")
app.add_typer(builders.search, name="search")


@app.callback()
def podium() -> None:
    """Multi-task rollout orchestrator for agentic reinforcement learning."""


def main() -> None:
    """Entry point of the `podium` command."""
    app()


if __name__ == "__main__":
    main()
