"""`podium env check`: whether an environment keeps the contract, and what to fix."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from services.cli.authoring.options import HOST, PORT, TOKEN_FILE, URL, dispatch_token
from services.cli.conformance.scene import Place
from services.cli.conformance.suite import Result, examine, summary
from services.cli.exits import Exit

_SIGNS = {"passed": "[green]✓[/green]", "failed": "[red]✗[/red]", "skipped": "[yellow]–[/yellow]"}


def check(
    url: URL,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
    token_file: TOKEN_FILE = None,
    orchestrator_port: PORT = None,
    host: HOST = "127.0.0.1",
    patience: Annotated[float, typer.Option(min=1, help="Seconds that a rollout may take.")] = 60.0,
) -> None:
    """Run the conformance suite of podium.environment/1 against an environment in any language.

    Plays the orchestrator's ear and an OpenAI-compatible model, so it needs neither. Ends with 0 if
    nothing failed and with 1 otherwise.
    """
    place = Place(
        url=url.rstrip("/"),
        token=dispatch_token(token_file),
        host=host,
        port=orchestrator_port or 0,
        plays_orchestrator=orchestrator_port is not None,
        patience_s=patience,
    )
    console = Console(soft_wrap=True, highlight=False)
    results = asyncio.run(
        examine(place, (lambda _: None) if as_json else lambda result: _tell(console, result))
    )
    report = {"url": place.url, **summary(results)}
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        console.print(f"{report['passed']} passed, {report['failed']} failed, {report['skipped']} skipped")
    if report["failed"]:
        raise typer.Exit(Exit.FAILED)


def _tell(console: Console, result: Result) -> None:
    console.print(f"{_SIGNS[result.verdict]} {result.check.name}")
    if result.verdict == "skipped":
        console.print(f"    skipped: {escape(result.found)}")
    if result.verdict == "failed":
        console.print(f"    contract: {escape(result.check.says)}")
        console.print(f"    found:    {escape(result.found)}")
        console.print(f"    remedy:   {escape(result.check.remedy)}")
