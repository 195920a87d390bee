"""`podium export`: rollouts with their messages and tokens into one file."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.client import Json
from services.cli.exits import Exit, stop
from services.cli.export.files import Format, Writer, written
from services.cli.rest.place import Door, Place, place

_AT_ONCE = 16
_FORMATS: dict[str, Format] = {"jsonl": "jsonl", "parquet": "parquet", "atif": "atif"}


def export(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="File to write.")],
    format: Annotated[
        str | None, typer.Option(help="jsonl, parquet or atif; default: by the file's ending.")
    ] = None,
    environment: Annotated[str | None, typer.Option(help="Of this environment alone.")] = None,
    state: Annotated[str, typer.Option(help="queued, running, reported, sealed or failed.")] = "sealed",
    group: Annotated[str | None, typer.Option(help="Id of their group.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many, newest first; default: all.")] = None,
    tokens: Annotated[bool, typer.Option(help="With ids and log-probs, while they are kept.")] = True,
) -> None:
    """Export rollouts: OpenAI message lists and token records, for programs that know nothing of Podium.

    jsonl and parquet hold one rollout a row; atif holds one trajectory a line, in Harbor's format.
    """
    wanted = {"environment": environment, "state": state, "group_id": group}
    chosen = _FORMATS.get(format or out.suffix.removeprefix("."))
    if chosen is None:
        stop(f"--format: '{format or out.suffix}' is none of {', '.join(_FORMATS)}", Exit.USAGE)
    try:
        with written(out, chosen) as writer:
            count = asyncio.run(_export(place(context), writer, wanted, limit, tokens))
    except OSError as error:
        stop(f"{out} cannot be written: {error}")
    print(f"{count} rollouts in {out}")


async def _export(
    where: Place, writer: Writer, wanted: dict[str, Any], limit: int | None, tokens: bool
) -> int:
    count, batch = 0, list[str]()
    async with where.open() as door:
        async for found in door.pages("/v1/rollouts", "rollouts", wanted, limit):
            batch.append(found["rollout_id"])
            if len(batch) == _AT_ONCE:
                writer.write(await _whole(door, batch, tokens))
                count, batch = count + len(batch), []
        writer.write(await _whole(door, batch, tokens))
    return count + len(batch)


async def _whole(door: Door, ids: list[str], tokens: bool) -> list[Json]:
    asked = (door.ask("GET", f"/v1/rollouts/{id}", params={"tokens": tokens}) for id in ids)
    return list(await asyncio.gather(*asked))
