"""`podium env play`: a person is the agent's model, and sees what reward that earns."""

import asyncio
from contextlib import suppress
from typing import Annotated, NamedTuple

import httpx
import typer
from rich.console import Console
from rich.markup import escape

from services.cli.authoring.options import HOST, PORT, TOKEN_FILE, URL, dispatch_token
from services.cli.authoring.person import Person
from services.cli.conformance.checks.manifest import manifest_fits
from services.cli.conformance.findings import Broken, Skipped
from services.cli.conformance.scene import Place, Scene, scene
from services.cli.exits import Exit, stop
from services.contracts.environment import RolloutRequest, TaskRef
from services.contracts.outcome import Outcome


def play(
    url: URL,
    split: Annotated[str, typer.Option(help="Of the task to play.")] = "train",
    index: Annotated[int, typer.Option(min=0, help="Of the task in its split.")] = 0,
    minutes: Annotated[float, typer.Option(min=0.1, help="Until the rollout's deadline.")] = 30.0,
    token_file: TOKEN_FILE = None,
    orchestrator_port: PORT = None,
    host: HOST = "127.0.0.1",
) -> None:
    """Play one task of an environment yourself: you are asked what its model would be asked.

    A line is a reply in words, or /TOOL and its argument. Ends with 0 once there is a reward, and with 1 if
    you give up (Ctrl-D) or the rollout fails.
    """
    place = Place(
        url=url.rstrip("/"),
        token=dispatch_token(token_file),
        host=host,
        port=orchestrator_port or 0,
        plays_orchestrator=orchestrator_port is not None,
        patience_s=60 * minutes,
    )
    console = Console(soft_wrap=True, highlight=False)
    ending = asyncio.run(_played(place, TaskRef(split=split, index=index), Person(console)))
    if isinstance(ending, Stopped):
        stop(*ending)
    _tell(console, ending)


class Stopped(NamedTuple):
    """Why there is no outcome."""

    sentence: str
    code: Exit = Exit.FAILED


async def _played(place: Place, task: TaskRef, person: Person) -> Outcome | Stopped:
    async with scene(place) as stage:
        try:  # here, since what leaves the scene leaves in an exception group
            await manifest_fits.visit(stage)
            request = stage.request(person.say).model_copy(update={"task": task})
            return await _ended(stage, await stage.accepted(request), person)
        except (Broken, Skipped) as found:
            return Stopped(f"{place.url}: {found}; podium env check {place.url} says more")
        except httpx.TransportError as error:
            return Stopped(f"{place.url} cannot be reached: {error}", Exit.UNREACHABLE)
        finally:
            with suppress(httpx.TransportError):
                await stage.settle()


async def _ended(stage: Scene, request: RolloutRequest, person: Person) -> Outcome | Stopped:
    outcome = asyncio.ensure_future(stage.outcome(request, timeout_s=request.deadline_s + 60))
    given_up = asyncio.ensure_future(person.gave_up.wait())
    try:
        await asyncio.wait((outcome, given_up), return_when=asyncio.FIRST_COMPLETED)
        return outcome.result() if outcome.done() else Stopped("given up: the rollout is cancelled")
    finally:
        outcome.cancel()
        given_up.cancel()


def _tell(console: Console, outcome: Outcome) -> None:
    """The reward and its components, or why there is none; without a reward the command has failed."""
    if outcome.reward is None:
        stop(f"no reward, cause {outcome.cause}: {outcome.error}")
    parts = ", ".join(f"{name} {value:g}" for name, value in outcome.components.items())
    console.print(f"\n[bold]reward {outcome.reward:g}[/bold] ({escape(outcome.cause)}) {escape(parts)}")
