"""From a package with tests to tasks: bugs, spread over files and kinds, that its tests notice every time."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from environments.swe.build.image import LIB, WORKDIR
from environments.swe.build.mutation import Mutation, mutations
from environments.swe.build.patch import is_mutable, patch_of
from environments.swe.build.statement import statement
from environments.swe.build.trial import Noticed, Trial
from environments.swe.grading.grade import GRADING
from environments.swe.instance import Instance
from services.kit.failure import Refused
from services.sandbox.port import Blueprint, Sandboxes

_MOST_FAILING = 40  # a bug that breaks more of the tests than this is no puzzle


@dataclass(frozen=True)
class Source:
    """A package to make tasks of; `image` is the folder that `write_image` wrote.

    `code` and `tests` are paths inside the repository; `python_path` is where its packages lie.
    """

    name: str
    image: Path
    code: tuple[str, ...]
    tests: tuple[str, ...]
    python_path: tuple[str, ...] = (".",)
    license: str = ""
    version: str = ""


@dataclass(frozen=True)
class Plan:
    """How many tasks at most, how often each test is run, and how many bugs may be tried."""

    tasks: int = 32
    runs: int = 3
    tries: int = 400
    timeout_s: float = 60.0
    seed: int = 0


@dataclass(frozen=True)
class Found:
    """A task, and its bug: in which file of the repository, and what it changes there."""

    instance: Instance
    path: str
    mutation: Mutation


@dataclass
class Tally:
    """What became of the bugs that were tried."""

    tried: int = 0
    kept: int = 0
    unnoticed: int = 0
    flaky: int = 0
    passing: int = 0
    kinds: dict[str, int] = field(default_factory=dict)


async def build(source: Source, plan: Plan, sandboxes: Sandboxes, tally: Tally) -> AsyncIterator[Found]:
    """Tasks as they are found. Errors: Refused if nothing can be mutated or no test passes as it is."""
    candidates = _candidates(source, plan.seed)
    if not candidates:
        raise Refused(
            f"{source.name}: nothing to put a bug into below {', '.join(source.code)}", field="code"
        )
    plain = template(source, plan.timeout_s)
    async with sandboxes.open(Blueprint(source.image, WORKDIR), GRADING) as sandbox:
        trial = Trial(sandbox, plain, plan.runs)
        base = await trial.baseline()
        tally.passing, tally.flaky = len(base.passing), len(base.flaky)
        if not base.passing:
            raise Refused(f"{source.name}: no test passes as it is, every time", field="tests")
        for path, mutation in candidates[: plan.tries]:
            original = (source.image / "repo" / path).read_bytes()
            broken = mutation.applied(original)
            tally.tried += 1
            noticed = await trial.with_bug(path, broken, original, base)
            if noticed is None or len(noticed.failing) > _MOST_FAILING:
                tally.unnoticed += 1
                continue
            tally.kept += 1
            tally.kinds[mutation.kind] = tally.kinds.get(mutation.kind, 0) + 1
            instance = _instance(plain, source, path, mutation, (original, broken), noticed, tally.kept)
            yield Found(instance, path, mutation)
            if tally.kept >= plan.tasks:
                return


def _candidates(source: Source, seed: int) -> list[tuple[str, Mutation]]:
    """Bugs in an order drawn from the seed, a turn for each file and kind, so that none fills the set."""
    pick = random.Random(f"{seed}/{source.name}")
    by_sort: dict[tuple[str, str], list[tuple[str, Mutation]]] = {}
    for path in _files(source):
        for mutation in mutations((source.image / "repo" / path).read_bytes()):
            by_sort.setdefault((mutation.kind, path), []).append((path, mutation))
    for found in by_sort.values():
        pick.shuffle(found)
    order = sorted(by_sort)
    pick.shuffle(order)
    longest = max(map(len, by_sort.values()), default=0)
    return [by_sort[key][turn] for turn in range(longest) for key in order if turn < len(by_sort[key])]


def _files(source: Source) -> list[str]:
    root = source.image / "repo"
    found: set[Path] = set()
    for name in source.code:
        path = root / name
        found |= {path} if path.is_file() else set(path.rglob("*.py"))
    tests = [root / test for test in source.tests]
    return [
        str(path.relative_to(root))
        for path in sorted(found)
        if not any(path.is_relative_to(test) for test in tests)
        and not path.name.startswith(("test_", "conftest"))
        and is_mutable(path.read_bytes())
    ]


def template(source: Source, timeout_s: float) -> Instance:
    """What all tasks of a package have in common; its own bug and lists of tests mean nothing."""
    paths = [LIB, *(f"{WORKDIR}/{path}".removesuffix("/.") for path in source.python_path)]
    return Instance(
        instance_id="template",
        repo=source.name,
        base_commit=source.version,
        problem_statement="template",
        FAIL_TO_PASS=("template",),
        PASS_TO_PASS=(),
        image=source.image.name,
        workdir=WORKDIR,
        runner="pytest",
        test_files=source.tests,
        python_path=(LIB, *source.python_path),
        environment={"PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout_s=timeout_s,
        license=source.license,
    )


def _instance(
    plain: Instance,
    source: Source,
    path: str,
    mutation: Mutation,
    sources: tuple[bytes, bytes],
    noticed: Noticed,
    number: int,
) -> Instance:
    original, broken = (text.decode() for text in sources)
    command = f"python3 -m pytest {' '.join(source.tests)}"
    return plain.model_copy(
        update={
            "instance_id": f"{source.image.name}__{mutation.kind}-{number:04}",
            "problem_statement": statement(source.name, noticed.failing, noticed.reasons, command),
            "bug_patch": patch_of(path, original, broken),
            "patch": patch_of(path, broken, original),
            "FAIL_TO_PASS": noticed.failing,
            "PASS_TO_PASS": noticed.passing,
            "flaky": noticed.flaky,
            "kind": mutation.kind,
        }
    )
