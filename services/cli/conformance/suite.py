"""The whole suite: every check in order, and what came of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from services.cli.conformance.check import Check
from services.cli.conformance.checks import following, manifest, outcomes, registration, service, starting
from services.cli.conformance.findings import Broken, Skipped
from services.cli.conformance.scene import Place, Scene, scene
from services.contracts.environment import CONTRACT

CHECKS: tuple[Check, ...] = (
    *service.CHECKS,
    *manifest.CHECKS,
    *registration.CHECKS,
    *starting.CHECKS,
    *following.CHECKS,
    *outcomes.CHECKS,
)


@dataclass(frozen=True)
class Result:
    """What one check found; `found` is empty when it passed."""

    check: Check
    verdict: Literal["passed", "failed", "skipped"]
    found: str = ""

    def as_json(self) -> dict[str, Any]:
        """For `--json`; the remedy only where there is something to remedy."""
        told: dict[str, Any] = {"name": self.check.name, "verdict": self.verdict, "says": self.check.says}
        if self.verdict != "passed":
            told["found"] = self.found
        if self.verdict == "failed":
            told["remedy"] = self.check.remedy
        return told


async def examine(
    place: Place, tell: Callable[[Result], None] = lambda _: None, checks: Iterable[Check] = CHECKS
) -> list[Result]:
    """Put an environment through the checks; `tell` hears each result as it comes."""
    results = []
    async with scene(place) as stage:
        for check in checks:
            results.append(await _result(check, stage))
            tell(results[-1])
    return results


def summary(results: Iterable[Result]) -> dict[str, Any]:
    """Counts of verdicts, and every check."""
    results = list(results)
    counts = {
        verdict: sum(r.verdict == verdict for r in results) for verdict in ("passed", "failed", "skipped")
    }
    return {"contract": CONTRACT, **counts, "checks": [result.as_json() for result in results]}


async def _result(check: Check, stage: Scene) -> Result:
    try:
        await check.visit(stage)
    except Broken as broken:
        return Result(check, "failed", str(broken))
    except Skipped as skipped:
        return Result(check, "skipped", str(skipped))
    except httpx.HTTPError as error:
        return Result(check, "failed", f"{stage.place.url} cannot be reached: {error!r}")
    finally:
        await stage.settle()
    return Result(check, "passed")
