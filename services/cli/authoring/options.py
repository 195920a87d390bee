"""Options that `podium env check` and `podium env play` share."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.exits import Exit, stop

URL = Annotated[str, typer.Argument(help="Where the environment serves, such as http://127.0.0.1:8300.")]
TOKEN_FILE = Annotated[
    Path | None,
    typer.Option(envvar="PODIUM_DISPATCH_TOKEN_FILE", help="File with the environment's dispatch token."),
]
PORT = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help="Serve as the environment's orchestrator on this port: it registers here, tells its token, "
        "and its heartbeats are checked too.",
    ),
]
HOST = Annotated[str, typer.Option(help="Address of this machine at which the environment reaches us.")]


def dispatch_token(file: Path | None) -> str | None:
    """The token in a file, if one was named. Ends the command if it cannot be read."""
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except OSError as error:
        stop(f"--token-file cannot be read: {error}", Exit.USAGE)
