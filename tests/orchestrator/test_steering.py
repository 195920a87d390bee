"""What people change: live, on the record, with a trail of who changed what, and kept across restarts."""

import asyncio

from services.contracts.cause import Cause
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import (
    ScriptedEnvironment,
    completed,
    environment,
    failed,
    keep_record,
    until,
)


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
        assert {entry["token_id"] for entry in trail} != {None}
        known = {(entry["field"], entry["before"], entry["after"], entry["changed_by"]) for entry in trail}
        changed = {("max_share", 1.0, 0.6, "admin"), ("deadline_s", None, 5.0, "admin")}
        assert {entry for entry in known if entry[0] != "url"} == changed
        first = (await running.client.get("/v1/audit", params={"limit": 1})).json()
        assert [entry["subject"] for entry in first["entries"]] == ["admission"]
        rest = await running.client.get("/v1/audit", params={"before": first["next"]})
        assert len(rest.json()["entries"]) == 2 + 2  # both fields, and two registrations


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


async def test_a_paused_group_is_not_sent_and_a_restart_does_not_wake_it(start: Start) -> None:
    """Two groups wait for the one slot there is; what runs goes on, the other group goes first."""
    async with (
        start(groups_per_step=2, max_staleness=0, lease_s=0.5) as running,
        environment(ScriptedEnvironment(silent, capacity=3), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 3)
        queued = [live for live in running.parts.board.rollouts.values() if live.state == "queued"]
        group = queued[0].group.group_id
        reply = await running.client.patch(f"/v1/groups/{group}", json={"state": "paused"})
        assert reply.status_code == 200, reply.text
        trail = (await running.client.get("/v1/audit", params={"subject": f"group/{group}"})).json()
        assert trail["entries"][0]["after"]["state"] == "paused"
    async with (
        start(groups_per_step=2, max_staleness=0, lease_s=0.5) as running,
        environment(ScriptedEnvironment(silent), running.client) as scripted,
    ):  # what ran was lost with its service, and comes again; of the paused group nothing does
        await until(lambda: len(scripted.requests) == 2)
        await asyncio.sleep(0.3)
        sent = {
            running.parts.board.rollouts[request.rollout_id].group.group_id for request in scripted.requests
        }
        assert group not in sent
        assert len(scripted.requests) == 2
        await running.client.patch(f"/v1/groups/{group}", json={"state": "active"})
        await until(lambda: len(scripted.requests) == 4)


async def test_a_draining_group_tries_nothing_again(start: Start) -> None:
    released = asyncio.Event()

    async def behaviour(request: RolloutRequest) -> Outcome:
        await released.wait()
        return failed(request, Cause.SANDBOX)

    async with (
        start(groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(behaviour), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 2)
        (group,) = running.parts.board.groups
        await running.client.patch(f"/v1/groups/{group}", json={"state": "draining"})
        await running.client.put("/v1/admission", json={"state": "paused"})
        released.set()
        await until(lambda: not running.parts.board.groups)
        assert {request.attempt for request in scripted.requests} == {1}
        assert (await running.client.patch(f"/v1/groups/{group}", json={})).status_code == 409
        unknown = f"/v1/groups/{'0' * 32}"
        assert (await running.client.patch(unknown, json={"state": "paused"})).status_code == 404


async def test_at_its_deadline_a_group_is_closed_with_what_it_has(start: Start) -> None:
    """Three of four are there in time: enough to be repaired."""
    quick: list[str] = []

    async def behaviour(request: RolloutRequest) -> Outcome:
        if len(quick) < 3:
            quick.append(request.rollout_id)
            await keep_record(running.tokens, request.rollout_id, request.attempt)
            return completed(request)
        await asyncio.sleep(60)
        raise AssertionError

    async with (
        start(group_size=4, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(behaviour), running.client),
    ):
        board = running.parts.board
        await until(lambda: sum(live.state == "scored" for live in board.rollouts.values()) == 3)
        await running.client.put("/v1/admission", json={"state": "paused"})
        (group,) = running.parts.board.groups
        await running.client.patch(f"/v1/groups/{group}", json={"deadline_s": 0.5})
        (delivery,) = await running.stream.read(1, 20.0)
        assert sorted(rollout.repeats for rollout in delivery.group.rollouts) == [1, 1, 2]
        slots = (await running.client.get(f"/v1/groups/{group}")).json()["rollouts"]
        (late,) = [slot for slot in slots if slot["state"] == "failed"]
        assert late["cause"] == "cancelled"


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
