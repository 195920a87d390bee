"""Probes and speeds of each kind of sandbox on this machine: a table, and last one JSON line.

Cold: from the request to the first command's output, with the image there and no box that waits. Warm: the
same with a box that waits (bubblewrap keeps none: its start is that quick). Exec: one command in a shell.
Overhead: what a command takes in a box, as a multiple of the same command beside it.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.sandbox.figures import Figures, Sizes, escapes, measure
from bench.sandbox.probes import ROOT_PROBES
from bench.table import table
from services.kit.failure import Unavailable
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.docker.sandboxes import DockerRules, DockerSandboxes
from services.sandbox.docker.warm import WarmRules
from services.sandbox.port import Blueprint, Sandboxes

_ROWS = {
    "probes": "probes",
    "escapes": "escapes",
    "cold_p50_ms": "cold start, median, ms",
    "warm_p95_ms": "warm start, 95 of 100, ms",
    "exec_p50_ms": "command, median, ms",
    "commands_per_s": "commands a second in one shell",
    "at_once": "sandboxes at once",
    "at_once_s": "until all of them had answered, s",
    "overhead": "command beside the same one bare",
}


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench sandbox", description=__doc__)
    parser.add_argument("--starts", type=int, default=12, help="starts of each sort")
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--image", default="python:3.11-slim", help="base of the measured image")
    parser.add_argument(
        "--kinds", nargs="+", choices=("bubblewrap", "docker"), default=("bubblewrap", "docker")
    )
    options = parser.parse_args(argv)
    sizes = Sizes(options.starts, options.commands, options.at_once)
    results = {kind: asyncio.run(_measured(kind, options.image, sizes)) for kind in options.kinds}
    found = {kind: asdict(one) if isinstance(one, Figures) else None for kind, one in results.items()}
    rows = [(text, *(one[key] if one else "-" for one in found.values())) for key, text in _ROWS.items()]
    print(table(("", *found), rows))
    for kind, one in results.items():
        if isinstance(one, Figures):
            print("".join(f"{kind}: ESCAPED: {probe}\n" for probe in one.escaped), end="")
        else:
            print(f"{kind}: not measured: {one}")
    reasons = {f"{kind}_reason": one for kind, one in results.items() if isinstance(one, str)}
    print(json.dumps({**found, **reasons}))


async def _measured(kind: str, image: str, sizes: Sizes) -> Figures | str:
    """The figures of one kind, or why there are none."""
    try:
        sandboxes = _made(kind)
        await sandboxes.verify()
        with TemporaryDirectory() as folder:
            (Path(folder) / "Dockerfile").write_text(f"FROM {image}\nWORKDIR /app\n")
            blueprint = Blueprint(Path(folder), read_only_root=True)
            async with sandboxes.running():
                figures = await measure(sandboxes, blueprint, sizes, waits=kind == "docker")
                return await _with_root(sandboxes, figures, Path(folder)) if kind == "docker" else figures
    except Unavailable as unavailable:
        return unavailable.detail


async def _with_root(sandboxes: Sandboxes, figures: Figures, folder: Path) -> Figures:
    """The same with what root of an image that may be written gets at."""
    found = [f"root: {one}" for one in await escapes(sandboxes, Blueprint(folder, user="0"), ROOT_PROBES)]
    return replace(
        figures,
        probes=figures.probes + len(ROOT_PROBES),
        escapes=figures.escapes + len(found),
        escaped=(*figures.escaped, *found),
    )


def _made(kind: str) -> Sandboxes:
    if kind == "bubblewrap":
        return BubblewrapSandboxes()
    return DockerSandboxes(DockerRules(warm=WarmRules(each=2)))
