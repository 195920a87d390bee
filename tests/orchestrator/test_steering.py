"""What people change: live, on the record, with a trail of who changed what, and kept across restarts."""

import asyncio

from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import ScriptedEnvironment, completed, environment, keep_record, until


async def silent(request: RolloutRequest) -> Outcome | None:
    await asyncio.sleep(60)
    return None


async def test_bounds_count_at_once_leave_a_trail_and_outlive_a_restart(start: Start) -> None:
    async with (
        start(admission="paused") as running,
        environment(ScriptedEnvironment(silent, "a"), running.client, share=9.0),
        environment(ScriptedEnvironment(silent, "b"), running.client, share=1.0),
    ):
        address = "/v1/environments/a"
        reply = await running.client.patch(address, json={"max_share": 0.6, "deadline_s": 5})
        assert (reply.json()["max_share"], reply.json()["deadline_s"]) == (0.6, 5)
        assert abs(reply.json()["progress"]["target_share"] - 0.6) < 1e-6
        refused = await running.client.patch(address, json={"min_share": 0.7})
        assert (refused.status_code, refused.json()["field"]) == (422, "min_share")
        await running.client.patch(address, json={"max_share": 0.6})
        await running.client.put("/v1/admission", json={"state": "open"})
    async with start() as running:
        rows = {row["name"]: row for row in (await running.progress())["environments"]}
        assert abs(rows["a"]["target_share"] - 0.6) < 1e-6
        assert running.parts.registry.deadline_s("a") == 5
        reply = await running.client.get("/v1/audit", params={"subject": "environment/a"})
        assert reply.status_code == 200, reply.text
        trail = reply.json()["entries"]
        known = {(entry["field"], entry["before"], entry["after"], entry["changed_by"]) for entry in trail}
        assert known == {("max_share", 1.0, 0.6, "admin"), ("deadline_s", None, 5.0, "admin")}
        first = (await running.client.get("/v1/audit", params={"limit": 1})).json()
        assert [entry["subject"] for entry in first["entries"]] == ["admission"]
        rest = await running.client.get("/v1/audit", params={"before": first["next"]})
        assert len(rest.json()["entries"]) == 2


async def test_a_paused_environment_is_sent_nothing_and_held_against_nobody(start: Start) -> None:
    async def behaviour(request: RolloutRequest) -> Outcome:
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with (
        start(groups_per_step=1, max_staleness=1) as running,
        environment(ScriptedEnvironment(silent, "held"), running.client) as held,
    ):
        await until(lambda: len(held.running) == 4)
        await running.client.patch("/v1/environments/held", json={"state": "paused"})
        async with environment(ScriptedEnvironment(behaviour, "free"), running.client):
            await until(lambda: running.parts.ledger.tallies["free"].admitted_groups == 2)
            assert len(held.requests) == 4


async def test_halted_nothing_that_waits_is_sent(start: Start) -> None:
    async with (
        start(groups_per_step=4, max_staleness=1) as running,
        environment(ScriptedEnvironment(silent, capacity=64), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) > 0)
        await running.client.put("/v1/admission", json={"state": "halted"})
        await asyncio.sleep(0.1)
        sent = len(scripted.requests)
        body = {"environment": "scripted", "rollouts": 2}
        assert (await running.client.post("/v1/evaluations", json=body)).status_code == 202
        await asyncio.sleep(0.4)
        assert len(scripted.requests) == sent
        await running.client.put("/v1/admission", json={"state": "paused"})
        await until(lambda: len(scripted.requests) > sent)


async def test_the_deadline_of_an_environment_is_its_own(start: Start) -> None:
    async with (
        start(rollout_deadline_s=30.0) as running,
        environment(ScriptedEnvironment(silent, "a"), running.client) as scripted,
    ):
        await running.client.patch("/v1/environments/a", json={"deadline_s": 0.3})
        await running.client.delete("/v1/groups")
        await until(lambda: any(request.deadline_s == 0.3 for request in scripted.requests))


async def test_shares_of_tokens(start: Start) -> None:
    """One samples thrice as much in a group; it gets a third of the groups."""

    def talking(name: str, calls: int) -> ScriptedEnvironment:
        async def behaviour(request: RolloutRequest) -> Outcome:
            for index in range(calls):
                await keep_record(running.tokens, request.rollout_id, request.attempt, index=index)
            return completed(request)

        return ScriptedEnvironment(behaviour, name)

    async with (
        start(share_unit="tokens", tokens_per_unit=6, max_staleness=99, max_concurrent_rollouts=8) as running,
        environment(talking("long", 3), running.client),
        environment(talking("short", 1), running.client),
    ):
        tallies = running.parts.ledger.tallies
        await until(lambda: running.parts.overview.progress().groups.admitted >= 80, 30)
        admitted = tallies["long"].admitted_groups, tallies["short"].admitted_groups
        assert abs(3 * admitted[0] - admitted[1]) <= 12
