"""`podium engines`: list them, add one, remove one."""

from typing import Annotated

import typer

from services.cli.rest.place import place
from services.cli.rest.shown import AsJson, print_json, print_table

app = typer.Typer(help="Engines: the servers that sample.")


@app.callback(invoke_without_command=True)
def engines(context: typer.Context, as_json: AsJson = False) -> None:
    """Engines, their state and the weights that they hold."""
    if context.invoked_subcommand is not None:
        return
    found = place(context).ask("GET", "/v1/engines")
    if as_json:
        print_json(found)
        return
    print_table(
        found["engines"],
        {
            "ENGINE": lambda one: one["engine_id"],
            "STATE": lambda one: one["state"],
            "WEIGHTS": lambda one: f"v{one['weight_version']}",
            "URL": lambda one: one["url"],
        },
        "no engine is known",
    )


@app.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where it serves.")],
    as_json: AsJson = False,
) -> None:
    """Make an engine known; it serves once it holds the newest weights."""
    found = place(context).ask("POST", "/v1/engines", body={"url": url})
    if as_json:
        print_json(found)
    else:
        print(f"{found['engine_id']}  {found['state']}  {found['url']}")


@app.command()
def remove(
    context: typer.Context,
    engine_id: Annotated[str, typer.Argument(help="Id, as `podium engines` shows it.")],
) -> None:
    """Forget an engine; its rollouts move to others."""
    place(context).ask("DELETE", f"/v1/engines/{engine_id}")
