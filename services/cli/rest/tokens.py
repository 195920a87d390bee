"""`podium tokens`: mint, list, rotate and withdraw; a token goes to a file or to standard output, once."""

import asyncio
import os
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from services.cli.client import Json
from services.cli.exits import Exit, stop
from services.cli.rest.place import place
from services.cli.rest.shown import AsJson, print_json, print_table, when
from services.kit.access import STANDING, Claims, Scope, Signer

app = typer.Typer(help="Tokens: mint, list, rotate and withdraw them.", no_args_is_help=True)
_ID = Annotated[str, typer.Argument(help="Id, as `podium tokens list` shows it.")]
_OUT = Annotated[
    Path | None, typer.Option(help="File for the token, readable by you alone; default: standard output.")
]
_SCOPE = Annotated[str, typer.Argument(help=f"One of {', '.join(STANDING)}.")]
_HOLDER = Annotated[str, typer.Option(help="Whom it is for; stands in the audit trail.")]
_BOUND = Annotated[str | None, typer.Option(help="Scope environment: of this name alone.")]
_DAYS = Annotated[float, typer.Option(min=0.0, max=366.0, help="Until it expires.")]
_DAY_S = 86_400.0


@app.command()
def mint(
    context: typer.Context,
    scope: _SCOPE,
    holder: _HOLDER,
    environment: _BOUND = None,
    days: _DAYS = 90.0,
    out: _OUT = None,
) -> None:
    """Mint a token. The orchestrator keeps a digest of it and never shows it again."""
    body = {"scope": scope, "holder": holder, "environment": environment, "lifetime_s": days * _DAY_S}
    _give(place(context).ask("POST", "/v1/tokens", body=body, key=uuid4().hex), out)


@app.command()
def sign(
    scope: _SCOPE,
    holder: _HOLDER,
    secret_file: Annotated[Path, typer.Option(help="The file with the signing secret.")],
    environment: _BOUND = None,
    days: _DAYS = 90.0,
    out: _OUT = None,
) -> None:
    """Mint a token with the signing secret itself, before there is an orchestrator to ask."""
    if scope not in STANDING:
        stop(f"scope '{scope}' is none of {', '.join(STANDING)}", Exit.USAGE)
    try:
        signer = Signer.from_file(secret_file)
    except (OSError, ValueError) as error:
        stop(f"--secret-file {secret_file}: {error}", Exit.USAGE)
    claims = Claims(Scope(scope), environment=environment, holder=holder)
    _give({"token": signer.mint(claims, days * _DAY_S)}, out)


@app.command("list")
def list_tokens(context: typer.Context, as_json: AsJson = False) -> None:
    """Tokens that were minted here or have been used; none is shown itself."""

    async def found() -> list[Json]:
        async with place(context).open() as door:
            return [one async for one in door.pages("/v1/tokens", "tokens", {}, None)]

    tokens = asyncio.run(found())
    if as_json:
        print_json(tokens)
        return
    print_table(
        tokens,
        {
            "TOKEN": lambda one: one["token_id"],
            "SCOPE": lambda one: one["scope"],
            "HOLDER": lambda one: one["holder"],
            "ENVIRONMENT": lambda one: one["environment"],
            "STATE": lambda one: one["state"],
            "CREATED": lambda one: when(one["created_at"]),
            "EXPIRES": lambda one: when(one["expires_at"]),
            "USED": lambda one: when(one["used_at"]),
        },
    )


@app.command()
def rotate(
    context: typer.Context,
    token_id: _ID,
    grace_s: Annotated[float, typer.Option(min=0.0, help="Seconds for which the old one still opens.")] = 0.0,
    out: _OUT = None,
) -> None:
    """Replace a token by one with the same scope, holder and lifetime."""
    _give(place(context).ask("POST", f"/v1/tokens/{token_id}/rotate", body={"grace_s": grace_s}), out)


@app.command()
def withdraw(context: typer.Context, token_id: _ID) -> None:
    """Let a token open nothing from now on."""
    place(context).ask("DELETE", f"/v1/tokens/{token_id}")


def _give(minted: Json, out: Path | None) -> None:
    if out is None:
        print(minted["token"])
        return
    part = out.with_name(f"{out.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(minted["token"])
    part.replace(out)
    print(f"{minted.get('token_id', 'token')} in {out}")
