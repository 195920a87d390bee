"""`podium env`: environments, from the first line of one to its last rollout."""

import typer

from services.cli.authoring.check import check
from services.cli.authoring.new import new
from services.cli.authoring.play import play
from services.cli.rest import environments

app = typer.Typer(help="Environments: write, check, play, register and steer them.", no_args_is_help=True)
app.command()(new)
app.command()(check)
app.command()(play)
app.command()(environments.register)
app.command("list")(environments.list_environments)
app.command()(environments.show)
app.command()(environments.update)
app.command()(environments.drain)
app.command()(environments.remove)
