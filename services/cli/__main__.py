"""`podium`: the command line."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli import builders, env, tasks
from services.cli.export.command import export
from services.cli.rest import engines, rollouts, tokens
from services.cli.rest.place import Place
from services.cli.rest.progress import progress, report
from services.cli.rollout.command import rollout
from services.cli.run import run
from services.kit.tls import Tls

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
app.add_typer(rollouts.app, name="rollouts")
app.add_typer(engines.app, name="engines")
app.command()(progress)
app.command()(report)
app.command()(export)
app.add_typer(tokens.app, name="tokens")
app.add_typer(builders.swe, name="swe")
app.add_typer(builders.search, name="search")


@app.callback()
def podium(
    context: typer.Context,
    orchestrator: Annotated[
        str | None, typer.Option(envvar="PODIUM_ORCHESTRATOR_URL", help="Address; http://127.0.0.1:8000.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(envvar="PODIUM_ADMIN_TOKEN_FILE", help="File with a token; its scope decides."),
    ] = None,
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="Take both from the folder of a `podium run` that goes on.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(envvar="PODIUM_TLS_CA_FILE", help="Authority of its certificate.")
    ] = None,
    cert_file: Annotated[
        Path | None, typer.Option(envvar="PODIUM_TLS_CERT_FILE", help="Certificate to show it.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(envvar="PODIUM_TLS_KEY_FILE", help="Private key of --cert-file.")
    ] = None,
) -> None:
    """Multi-task rollout orchestrator for agentic reinforcement learning.

    Commands that speak to an orchestrator end with 0 if it did what was asked, 2 for what it or the command
    line cannot mean, 3 if nobody answers, 4 if the token does not allow it, 5 for something that there is
    not, 6 for something in another state, and 1 for everything else.
    """
    context.obj = Place(orchestrator, token_file, run_folder, Tls(cert_file, key_file, ca_file))


def main() -> None:
    """Entry point of the `podium` command."""
    app()


if __name__ == "__main__":
    main()
