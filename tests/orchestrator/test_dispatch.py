"""Dispatch: nobody waits for an environment that is full, slow or dead, and nothing starts twice."""

import asyncio

from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.kit.access import Scope
from tests.orchestrator.conftest import Running, Start
from tests.orchestrator.scripted import ScriptedEnvironment, completed, environment, keep_record, until


def quick(running: Running, name: str, **changes: int) -> ScriptedEnvironment:
    async def behaviour(request: RolloutRequest) -> Outcome:
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    return ScriptedEnvironment(behaviour, name=name, **changes)  # type: ignore[arg-type]


async def test_a_request_carries_what_a_rollout_needs(start: Start) -> None:
    async with (
        start(model_name="tiny", temperature=0.7, gateway_url="http://gateway:1/") as running,
        environment(quick(running, "a"), running.client) as scripted,
    ):
        await until(lambda: len(scripted.requests) > 0)
        request = scripted.requests[0]
        assert request.model.base_url == "http://gateway:1/v1"
        assert request.model.name == "tiny"
        assert request.task.split == "train"
        claims = running.signer.verify(request.model.api_key)
        assert (claims.scope, claims.rollout_id, claims.attempt) == (Scope.ROLLOUT, request.rollout_id, 1)
        assert claims.temperature == 0.7
        report = running.signer.verify(request.report_token)
        assert (report.scope, report.rollout_id) == (Scope.REPORT, request.rollout_id)


async def test_one_that_refuses_backs_off_alone(start: Start) -> None:
    async with (
        start(groups_per_step=10, max_staleness=100) as running,
        environment(quick(running, "full"), running.client) as full,
        environment(quick(running, "free"), running.client) as free,
    ):
        full.answer = 429
        await until(lambda: len(free.requests) >= 40)
        waiting = running.parts.board.rollouts.values()
        queued = {live.rollout_id for live in waiting if live.environment == "full"}
        assert queued
        full.answer = None
        await until(lambda: queued <= {request.rollout_id for request in full.requests})
        assert (await running.progress())["rollouts"]["failed_by_cause"] == {}


async def test_a_dead_one_blocks_nobody(start: Start) -> None:
    """Its server is gone; its debt is capped, so the other goes on at its own pace."""
    async with start(groups_per_step=10, max_staleness=100, lease_s=0.5) as running:
        async with environment(quick(running, "dead"), running.client) as dead:
            dead.answer = 503
            await until(lambda: running.parts.board.queued("dead") > 0)
        async with environment(quick(running, "alive"), running.client) as alive:
            await until(lambda: len(alive.requests) >= 60)
            environments = {row["name"]: row for row in (await running.progress())["environments"]}
            assert environments["dead"]["state"] == "away"
            assert environments["dead"]["credit"] <= running.parts.settings.debt_cap


async def test_no_more_run_at_once_than_an_environment_and_the_platform_take(start: Start) -> None:
    async def never(request: RolloutRequest) -> Outcome | None:
        await asyncio.sleep(60)
        return None

    small, big = ScriptedEnvironment(never, "small", capacity=3), ScriptedEnvironment(never, "big")
    async with (
        start(groups_per_step=20, max_staleness=4, max_concurrent_rollouts=12) as running,
        environment(small, running.client),
        environment(big, running.client),
    ):
        await until(lambda: running.parts.board.occupied() == 12)
        await asyncio.sleep(0.4)
        assert len(small.running) == 3
        assert running.parts.board.occupied() == 12
        assert len(small.requests) + len(big.requests) <= 12


async def test_a_draining_environment_gets_no_new_groups_and_a_paused_gate_opens_none(start: Start) -> None:
    async with (
        start(admission="paused") as running,
        environment(quick(running, "a"), running.client) as scripted,
    ):
        await asyncio.sleep(0.4)
        assert scripted.requests == []
        assert (await running.progress())["admission"]["limit"] == "paused"
        reply = await running.client.patch("/v1/environments/a", json={"state": "draining"})
        assert reply.json()["state"] == "draining"
        await running.client.put("/v1/admission", json={"state": "open"})
        await asyncio.sleep(0.4)
        assert scripted.requests == []
        await running.client.patch("/v1/environments/a", json={"state": "active"})
        await until(lambda: len(scripted.requests) > 0)


async def test_shares_are_kept_by_many_groups_at_unequal_speeds(start: Start) -> None:
    """A learner that trains at once whatever is sealed; one environment is ten times slower."""

    def paced(name: str, seconds: float) -> ScriptedEnvironment:
        async def behaviour(request: RolloutRequest) -> Outcome:
            await asyncio.sleep(seconds)
            await keep_record(running.tokens, request.rollout_id, request.attempt)
            return completed(request)

        return ScriptedEnvironment(behaviour, name)

    async with (
        start(group_size=1, groups_per_step=100, max_staleness=9, admission="paused") as running,
        environment(paced("slow", 0.05), running.client, share=3.0),
        environment(paced("fast", 0.005), running.client, share=1.0),
    ):
        await running.client.put("/v1/admission", json={"state": "open"})
        await until(lambda: running.parts.overview.progress().groups.admitted >= 100, 30)
        tallies = running.parts.ledger.tallies
        admitted = {name: tallies[name].admitted_groups for name in ("slow", "fast")}
        assert abs(admitted["slow"] - 0.75 * sum(admitted.values())) <= 1
