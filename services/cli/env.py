"""`podium env`: environments, from the first line of one to its last rollout."""

import typer

from services.cli.authoring.check import check

app = typer.Typer(help="Environments: write, check, play, register and steer them.", no_args_is_help=True)
app.command()(check)
