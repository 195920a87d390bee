"""Runs a package's tests in one sandbox, as it is and with each bug, until it is known what they notice."""

from collections.abc import Mapping
from dataclasses import dataclass

from environments.swe.grading.grade import run_tests
from environments.swe.grading.verdict import Report
from environments.swe.instance import Instance
from environments.swe.logs.status import Status
from services.sandbox.archive import archive_of
from services.sandbox.port import Sandbox


@dataclass(frozen=True)
class Baseline:
    """Tests that passed every time without a bug, and those whose verdict varied."""

    passing: frozenset[str]
    flaky: frozenset[str]


@dataclass(frozen=True)
class Noticed:
    """What a bug does, every time: which tests fail, and what they said, and which pass on."""

    failing: tuple[str, ...]
    passing: tuple[str, ...]
    flaky: tuple[str, ...]
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class Trial:
    """`instance` says how the tests run; its own lists of tests play no part."""

    sandbox: Sandbox
    instance: Instance
    runs: int = 3

    async def baseline(self) -> Baseline:
        reports = [await run_tests(self.sandbox, self.instance) for _ in range(self.runs)]
        passing, varied = _steady(reports)
        return Baseline(passing, varied)

    async def with_bug(self, path: str, source: bytes, original: bytes, base: Baseline) -> Noticed | None:
        """None if no test notices it, or if it breaks so much that nothing passes any more."""
        await self._write(path, source)
        try:
            first = await run_tests(self.sandbox, self.instance)
            if not _failing(first, base) or not _passing(first) & base.passing:
                return None
            others = [await run_tests(self.sandbox, self.instance) for _ in range(self.runs - 1)]
        finally:
            await self._write(path, original)
        return _noticed([first, *others], base)

    async def _write(self, path: str, source: bytes) -> None:
        await self.sandbox.put(archive_of({path: source}), self.instance.workdir)


def _noticed(reports: list[Report], base: Baseline) -> Noticed | None:
    passing, _ = _steady(reports)
    failing = frozenset.intersection(*(_failing(report, base) for report in reports))
    flaky = base.flaky | (base.passing - passing - failing)
    kept = passing & base.passing
    if not failing or not kept:
        return None
    return Noticed(tuple(sorted(failing)), tuple(sorted(kept)), tuple(sorted(flaky)), reports[0].reasons)


def _steady(reports: list[Report]) -> tuple[frozenset[str], frozenset[str]]:
    """Tests that passed in each report, and those that passed in some."""
    passed = [_passing(report) for report in reports]
    always, ever = frozenset.intersection(*passed), frozenset.union(*passed)
    return always, ever - always


def _passing(report: Report) -> frozenset[str]:
    if report.breaches or report.notes:
        return frozenset()
    return frozenset(test for test, status in report.results.items() if status is Status.PASSED)


def _failing(report: Report, base: Baseline) -> frozenset[str]:
    """A bug that stops the run says nothing about single tests."""
    if report.breaches or report.notes:
        return frozenset()
    failed = (test for test, status in report.results.items() if status in (Status.FAILED, Status.ERROR))
    return frozenset(failed) & base.passing
