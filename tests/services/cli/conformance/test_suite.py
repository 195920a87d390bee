"""The suite passes what keeps the contract, and each check fails for what breaks its sentence."""

import asyncio
from pathlib import Path

import pytest

from services.cli.conformance.scene import Place
from services.cli.conformance.suite import CHECKS, Result, examine, summary
from services.kit.ports import free_port
from services.kit.serve import serving
from tests.services.cli.conformance.faulty import FaultyEnvironment

BREAKS = [
    ("sick", "is_alive"),
    ("garbled metrics", "has_metrics"),
    ("open door", "is_guarded"),
    ("another contract", "manifest_fits"),
    ("no tasks", "manifest_offers_tasks"),
    ("no instruction", "tasks_have_cards"),
    ("endless tasks", "unknown_tasks_are_missing"),
    ("registers as another", "registers"),
    ("empty heartbeats", "heartbeats_name_what_runs"),
    ("ignores heartbeats' replies", "stops_what_is_unwanted"),
    ("never registers again", "registers_again"),
    ("falls silent", "registers_again"),
    ("waits for the end", "accepts_at_once"),
    ("starts twice", "starts_once"),
    ("breaks on bad bodies", "refuses_what_does_not_fit"),
    ("takes old attempts", "newest_attempt_runs"),
    ("never full", "full_says_when"),
    ("does not say when", "full_says_when"),
    ("odd state", "tells_the_state"),
    ("tells secrets", "keeps_secrets"),
    ("unknown is gone", "unknown_rollouts_are_missing"),
    ("ignores cancelling", "cancels"),
    ("asks nobody", "asks_the_model"),
    ("uses its own key", "keeps_rollouts_apart"),
    ("never scores", "scores_what_was_done"),
    ("reports without its token", "scores_what_was_done"),
    ("reward beyond its range", "reward_is_as_promised"),
    ("unlisted component", "reward_is_as_promised"),
    ("reports once", "reports_until_acknowledged"),
    ("changes its mind", "reports_until_acknowledged"),
    ("never stops reporting", "discards_what_is_refused"),
    ("rewards failure", "failure_is_no_reward"),
    ("forgets the deadline", "keeps_the_deadline"),
]


async def results(folder: Path, *faults: str, only: str | None = None) -> dict[str, Result]:
    """What the suite finds, by check; `only` the one that is named, beside the manifest's."""
    port = free_port()
    environment = FaultyEnvironment(frozenset(faults), f"http://127.0.0.1:{port}")
    ready = folder / "ready"
    async with serving(environment.app(), "127.0.0.1", 0, ready):
        while not ready.exists():
            await asyncio.sleep(0.01)
        environment.url = ready.read_text()
        place = Place(environment.url, port=port, plays_orchestrator=True, patience_s=8.0, grace_s=4.0)
        chosen = [check for check in CHECKS if only is None or check.name in (only, "manifest_fits")]
        found = await examine(place, checks=chosen)
    return {result.check.name: result for result in found}


async def all_results(folder: Path) -> dict[str, dict[str, Result]]:
    """What the suite finds of each fault, and of none (""); side by side, for most of it is waiting."""
    told: dict[str, dict[str, Result]] = {}

    async def one(fault: str, check: str | None) -> None:
        own = folder / f"{len(told)}-{fault}".replace(" ", "-")
        own.mkdir()
        faults = (fault,) if fault else ()
        told[fault] = {}
        told[fault] = await results(own, *faults, only=check)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(one("", None))
        for fault, check in BREAKS:
            tasks.create_task(one(fault, check))
    return told


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Result]]:
    return asyncio.run(all_results(tmp_path_factory.mktemp("conformance")))


def test_what_keeps_the_contract_passes_every_check(found: dict[str, dict[str, Result]]) -> None:
    assert {name: r.found for name, r in found[""].items() if r.verdict != "passed"} == {}
    counts = summary(found[""].values())
    assert (counts["passed"], counts["failed"], counts["skipped"]) == (len(CHECKS), 0, 0)


@pytest.mark.parametrize(("fault", "check"), BREAKS)
def test_a_breach_fails_its_check(found: dict[str, dict[str, Result]], fault: str, check: str) -> None:
    result = found[fault][check]
    assert result.verdict == "failed"
    assert result.found
    told = result.as_json()
    assert told["remedy"]
    assert told["says"]


def test_every_check_has_a_breach_that_shows_it_works() -> None:
    assert {check.name for check in CHECKS} == {check for _, check in BREAKS}


async def test_nobody_there_fails_and_does_not_crash() -> None:
    place = Place(f"http://127.0.0.1:{free_port()}", patience_s=1.0)
    counts = summary(await examine(place))
    assert counts["passed"] == 0
    assert counts["failed"] > 0
