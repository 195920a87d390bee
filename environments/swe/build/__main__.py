"""Makes tasks of a repository, an archive, or released packages: bugs that their tests notice every time."""

import argparse
import asyncio
import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from environments.swe.build.builder import Found, Plan, Source, Tally, build
from environments.swe.build.fetch import released, unpack
from environments.swe.build.image import write_image
from environments.swe.build.releases import RELEASES
from environments.swe.instance import Instance
from environments.swe.released import write_tasks
from environments.swe.released.record import record_of
from environments.swe.shipped import source_of
from services.kit.failure import Failure, Refused
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import Sandboxes

_OF_OUTPUT = frozenset({"-q", "-v", "-vv", "-rA", "-ra", "--quiet", "--verbose"})  # change no verdict


def main() -> None:
    arguments = _arguments()
    try:
        if arguments.released:
            write_tasks(arguments.out.parent)
            return
        tallies = asyncio.run(_build_all(arguments))
    except Failure as failure:
        sys.exit(f"{failure.detail}{f' ({failure.remedy})' if failure.remedy else ''}")
    sys.stdout.write(json.dumps({name: asdict(tally) for name, tally in tallies.items()}) + "\n")


async def _build_all(arguments: argparse.Namespace) -> dict[str, Tally]:
    sandboxes = BubblewrapSandboxes()
    await sandboxes.verify()
    images = arguments.out.parent / "images"
    plan = Plan(arguments.tasks, arguments.runs, arguments.tries, arguments.timeout, arguments.seed)
    tallies: dict[str, Tally] = {}
    with TemporaryDirectory() as scratch:
        for source in _sources(arguments, images, Path(scratch)):
            tally = tallies[source.name] = Tally()
            await _write(arguments, source, plan, sandboxes, tally)
            sys.stderr.write(
                f"{source.name} {source.version} ({source.license or 'no licence given'}): {tally}\n"
            )
    return tallies


async def _write(
    arguments: argparse.Namespace, source: Source, plan: Plan, sandboxes: Sandboxes, tally: Tally
) -> None:
    """Each row is appended as it is found; every `hold_out`-th goes to the evaluation split."""
    kept: list[Found] = []
    async for found in build(source, plan, sandboxes, tally):
        held = arguments.hold_out and tally.kept % arguments.hold_out == 0
        _append(arguments.out.with_name("evaluation.jsonl") if held else arguments.out, found.instance)
        kept.append(found)
    release = next((release for release in RELEASES if release.name == source.name), None)
    if arguments.record is not None and release is not None:
        record_of(release, kept).write(arguments.record / f"{release.name}.jsonl")


def _append(path: Path, instance: Instance) -> None:
    with path.open("a") as rows:
        rows.write(instance.model_dump_json(exclude_defaults=True) + "\n")


def _sources(arguments: argparse.Namespace, images: Path, scratch: Path) -> Iterator[Source]:
    if arguments.source is not None:
        yield _given(arguments, images, scratch)
    for release in RELEASES:
        if arguments.packages and (release.name in arguments.packages or "all" in arguments.packages):
            yield released(release, images, scratch)
    if arguments.shipped:
        yield source_of(images)


def _given(arguments: argparse.Namespace, images: Path, scratch: Path) -> Source:
    path: Path = arguments.source
    repository = path if path.is_dir() else unpack(path, scratch / "given")
    name = arguments.name or path.name.split(".")[0]
    write_image(images / name, repository)
    tests = tests_of(arguments.test_command)
    return Source(name, images / name, tuple(arguments.code), tests, tuple(arguments.python_path))


def tests_of(command: str) -> tuple[str, ...]:
    """The paths that a pytest command names. Errors: Refused for another runner, or options of its own."""
    words = shlex.split(command)
    start = 3 if words[1:3] == ["-m", "pytest"] else 1
    for word in words[start:]:
        if word.startswith("-") and word not in _OF_OUTPUT:
            raise Refused(
                f"{word} is not heeded: the tests below the paths are run, all of them",
                field="test_command",
                remedy="name the files or folders whose tests shall run",
            )
    paths = tuple(word for word in words[start:] if not word.startswith("-"))
    if not words or words[start - 1] != "pytest" or not paths:
        raise Refused(
            f"bugs are injected into Python that pytest tests, not: {command}",
            field="test_command",
            remedy='name the tests, as in "pytest tests"',
        )
    return paths


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="podium swe build", description=__doc__)
    parser.add_argument("--source", type=Path, help="a folder or an archive with a package and its tests")
    parser.add_argument("--test-command", default="pytest tests", help='for --source: "pytest PATH..."')
    parser.add_argument("--code", nargs="+", default=["."], help="for --source: where bugs may go")
    parser.add_argument("--python-path", nargs="+", default=["."], help="for --source: import roots")
    parser.add_argument("--name", help="for --source: the package's name")
    known = ", ".join(release.name for release in RELEASES)
    parser.add_argument("--packages", nargs="+", help=f"of the registry: all, or of {known}")
    parser.add_argument("--record", type=Path, help="for --packages: a folder for what ships of the tasks")
    parser.add_argument("--released", action="store_true", help="the tasks of packages that ship, as rows")
    parser.add_argument("--shipped", action="store_true", help="the package that ships with the project")
    parser.add_argument("--out", type=Path, required=True, help="rows; images/ is written beside it")
    parser.add_argument("--tasks", type=int, default=32, help="of each package, at most")
    parser.add_argument("--runs", type=int, default=3, help="of the tests for each bug")
    parser.add_argument("--tries", type=int, default=400, help="bugs of each package, at most")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds of one run of the tests")
    parser.add_argument("--hold-out", type=int, default=0, help="every N-th task to evaluation.jsonl")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
