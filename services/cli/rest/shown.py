"""What commands print: one JSON value, or a table that is readable in a terminal and in a pipe."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli.client import Json

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Cell = Callable[[Json], Any]


def console() -> Console:
    """Full width in a pipe: a table there is read by another program, or by a person who scrolls."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(items: Iterable[Json], columns: Mapping[str, Cell], empty: str = "none") -> None:
    """One row an item."""
    rows = [[text(cell(item)) for cell in columns.values()] for item in items]
    if not rows:
        console().print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console().print(table)


def print_facts(facts: Sequence[tuple[str, Any]]) -> None:
    """Two columns: a name and what it is."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, text(value))
    console().print(table)


def text(value: Any) -> str:
    """A value as people read it; nothing is a dash."""
    match value:
        case None | "":
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3f}".rstrip("0").rstrip(".")
        case dict():
            return ", ".join(f"{name} {text(part)}" for name, part in value.items()) or "–"
        case list() | tuple():
            return ", ".join(text(part) for part in value) or "–"
        case _:
            return str(value).replace("[", "\\[")


def when(seconds: float | None) -> str | None:
    """A time of the record, in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
