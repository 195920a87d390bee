"""`podium env new`: an environment that works, as the start of one's own."""

import re
import shutil
import sys
from importlib.metadata import packages_distributions
from keyword import iskeyword
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.exits import Exit, stop

EXAMPLE = Path(__file__).parents[3] / "environments" / "examples" / "letters"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_FAMILIES = {"terminal", "search", "swe", "slides", "openenv", "nemo_gym"}
_FOLDERS = {"services", "orchestrator", "learner", "environments", "bench", "deploy", "tests"}


def new(
    name: Annotated[str, typer.Argument(help="Of the environment and of its folder, such as chess.")],
    folder: Annotated[Path, typer.Option("--in", help="Where the folder is made.")] = Path(),
) -> None:
    """Write an environment that works: tasks, a tool, an agent, a reward, and how to serve and check it."""
    if unfit := _unfit(name):
        stop(f"NAME {name!r} cannot name an environment: {unfit}", Exit.USAGE)
    target = folder / name
    if target.exists():
        stop(f"{target} exists: choose another name, or another folder with --in", Exit.USAGE)
    _write(target, name)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{target} is written; {target / 'README.md'} says how to serve it and how to check it")


def _unfit(name: str) -> str | None:
    """Why not, and what to do: the folder is a Python package, found before any other of its name."""
    if _NAME.fullmatch(name) is None:
        return "take lower-case letters, digits and _, a letter first, 63 at most"
    other = f"choose another, such as {name}_tasks"
    if iskeyword(name):
        return f"it is a word of Python's; {other}"
    if name in _FAMILIES:
        return f"it is a family of Podium's; {other}"
    if name in _FOLDERS or name in sys.stdlib_module_names or name in packages_distributions():
        return f"its folder would hide the Python package {name}; {other}"
    return None


def _write(target: Path, name: str) -> None:
    """The example under another name. The folder appears whole or not at all."""
    part = target.with_name(f".{name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for source in sorted(EXAMPLE.glob("*.*")):
        (part / source.name).write_text(_named(source.read_text(), name))
    part.rename(target)


def _named(text: str, name: str) -> str:
    return text.replace("letters.environment", f"{name}.environment").replace("# letters\n", f"# {name}\n")
