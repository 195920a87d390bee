"""Tasks of a released package as they ship: where a bug goes and which tests notice it, none of its code."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from environments.swe.build.builder import Found, Source, template
from environments.swe.build.patch import patch_of
from environments.swe.build.releases import Release
from environments.swe.instance import Instance


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Suite(_Line):
    """The first line: which archive the bugs are of, and its tests that pass without them."""

    package: str
    version: str
    sha256: str
    timeout_s: float
    tests: tuple[str, ...]


class Bug(_Line):
    """Bytes `start` to `end` of a file are replaced; `ignored` are tests of the suite not graded then."""

    instance_id: str
    kind: str
    path: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    replacement: str
    problem_statement: str
    failing: tuple[str, ...]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """One package's file."""

    suite: Suite
    bugs: tuple[Bug, ...]

    @classmethod
    def read(cls, path: Path) -> "Record":
        first, *others = path.read_text().splitlines()
        return cls(Suite.model_validate_json(first), tuple(map(Bug.model_validate_json, others)))

    def write(self, path: Path) -> None:
        path.write_text("".join(f"{line.model_dump_json()}\n" for line in (self.suite, *self.bugs)))

    def instances(self, source: Source) -> Iterator[Instance]:
        """Whole rows, from the package's own code."""
        plain = template(source, self.suite.timeout_s)
        for bug in self.bugs:
            yield plain.model_copy(update=_filled(bug, source, self.suite.tests))


def record_of(release: Release, found: Iterable[Found]) -> Record:
    """What is worth keeping of tasks that were built of `release`."""
    kept = tuple(found)
    tests = tuple(sorted({test for one in kept for test in one.instance.expected}))
    suite = Suite(
        package=release.name,
        version=release.version,
        sha256=release.sha256,
        timeout_s=max((one.instance.timeout_s for one in kept), default=60.0),
        tests=tests,
    )
    return Record(suite, tuple(_bug(one, tests) for one in kept))


def _bug(found: Found, tests: Iterable[str]) -> Bug:
    expected = frozenset(found.instance.expected)
    return Bug(
        instance_id=found.instance.instance_id,
        kind=found.instance.kind,
        path=found.path,
        start=found.mutation.start,
        end=found.mutation.end,
        replacement=found.mutation.replacement.decode(),
        problem_statement=found.instance.problem_statement,
        failing=found.instance.FAIL_TO_PASS,
        ignored=tuple(test for test in tests if test not in expected),
    )


def _filled(bug: Bug, source: Source, tests: tuple[str, ...]) -> dict[str, object]:
    original = (source.image / "repo" / bug.path).read_bytes()
    broken = original[: bug.start] + bug.replacement.encode() + original[bug.end :]
    texts = original.decode(), broken.decode()
    without = {*bug.failing, *bug.ignored}
    return {
        "instance_id": bug.instance_id,
        "kind": bug.kind,
        "problem_statement": bug.problem_statement,
        "bug_patch": patch_of(bug.path, *texts),
        "patch": patch_of(bug.path, *reversed(texts)),
        "FAIL_TO_PASS": bug.failing,
        "PASS_TO_PASS": tuple(test for test in tests if test not in without),
    }
