"""Groups that end early, are over-sampled, replaced or cancelled: slots are freed and shares accounted."""

import asyncio
from collections import Counter

from services.contracts.cause import Cause
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from tests.orchestrator.conftest import Running, Start
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


def rewarding(running: Running, name: str, *rewards: float) -> ScriptedEnvironment:
    """The rollouts of each task get these rewards in turn."""
    seen = Counter[int]()

    async def behaviour(request: RolloutRequest) -> Outcome:
        seen[request.task.index] += 1
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request, rewards[seen[request.task.index] % len(rewards)])

    return ScriptedEnvironment(behaviour, name)


async def test_a_group_without_variance_is_recorded_and_replaced(start: Start) -> None:
    async with (
        start(no_variance="replace", max_staleness=0) as running,
        environment(rewarding(running, "dull", 1.0), running.client),
    ):
        await until(lambda: running.parts.ledger.tallies["dull"].dropped["no_variance"] >= 4)
        await running.client.put("/v1/admission", json={"state": "paused"})
        await until(lambda: not running.parts.board.groups)
        assert await running.stream.backlog() == 0
        progress = await running.progress()
        assert progress["groups"]["dropped"] == progress["environments"][0]["groups_without_variance"] > 0
        assert progress["conservation_error"] == 0
        (group, *_) = (await running.client.get("/v1/groups?state=dropped")).json()["groups"]
        assert (group["reason"], group["reward_std"], group["mean_reward"]) == ("no_variance", 0.0, 1.0)


async def test_by_default_it_is_sent_and_counted(start: Start) -> None:
    async with start() as running, environment(rewarding(running, "dull", 1.0), running.client):
        await running.stream.read(1, 10.0)
        progress = await running.progress()
        assert progress["groups"]["dropped"] == 0
        assert progress["environments"][0]["groups_without_variance"] > 0


async def test_who_only_makes_groups_without_variance_pays_after_a_few(start: Start) -> None:
    """Else it would be owed for ever, and be served before all others for nothing."""
    async with (
        start(no_variance="replace", most_replaced=3, max_staleness=99, max_concurrent_rollouts=8) as running,
        environment(rewarding(running, "dull", 1.0), running.client),
        environment(rewarding(running, "good", 1.0, 0.0), running.client),
    ):
        tallies = running.parts.ledger.tallies
        await until(lambda: running.parts.overview.progress().groups.admitted >= 60)
        dull, good = tallies["dull"].admitted_groups, tallies["good"].admitted_groups
        refunded, owed = 3, running.parts.settings.debt_cap
        assert dull - good <= refunded + owed
        assert tallies["good"].no_variance == 0


async def test_a_doomed_group_ends_early_and_cancels_the_rest(start: Start) -> None:
    """Two of four failed for good: more than half can no longer be valid."""
    told: list[str] = []

    async def behaviour(request: RolloutRequest) -> Outcome | None:
        told.append(request.rollout_id)
        return failed(request, Cause.VERIFIER) if len(told) <= 2 else await silent(request)

    async with (
        start(group_size=4, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(behaviour, capacity=4), running.client) as scripted,
    ):
        await until(lambda: running.parts.ledger.tallies["scripted"].dropped["failed"] == 1)
        assert running.parts.ledger.tallies["scripted"].failed == {"verifier": 2, "cancelled": 2}
        page = (await running.client.get("/v1/rollouts?cause=cancelled")).json()["rollouts"]
        assert {rollout["error"] for rollout in page} == {"its group has too few valid ones"}
        cancelled = {rollout["rollout_id"] for rollout in page}
        sent = {request.rollout_id for request in scripted.requests}
        await until(lambda: cancelled & sent <= {stop.rollout_id for stop in scripted.stopped})


async def test_over_sampling_takes_the_first_valid_ones_and_frees_the_rest(start: Start) -> None:
    seen = Counter[int]()

    async def behaviour(request: RolloutRequest) -> Outcome | None:
        seen[request.task.index] += 1
        if seen[request.task.index] > 2:
            return await silent(request)
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with (
        start(over_sampling=2, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(behaviour), running.client) as scripted,
    ):
        delivery = (await running.stream.read(1, 10.0))[0]
        assert [rollout.repeats for rollout in delivery.group.rollouts] == [1, 1]
        group = (await running.client.get(f"/v1/groups/{delivery.group.group_id}")).json()
        assert group["size"] == 2
        assert [row["state"] for row in group["rollouts"]].count("sealed") == 2
        assert {row["cause"] for row in group["rollouts"]} == {"completed", "cancelled"}
        assert len(group["rollouts"]) == 4
        await until(lambda: len(scripted.running) == 0)
        assert (await running.progress())["conservation_error"] == 0


async def test_a_group_is_cancelled_whole_and_its_share_refunded(start: Start) -> None:
    async with (
        start() as running,
        environment(ScriptedEnvironment(silent, "a"), running.client) as scripted,
        environment(ScriptedEnvironment(silent, "b"), running.client),
    ):
        await until(lambda: len(scripted.running) >= 2)
        await running.client.put("/v1/admission", json={"state": "paused"})
        before = running.parts.registry.environments["a"].credit
        group_id = next(g.group_id for g in running.parts.board.groups.values() if g.environment == "a")
        for _ in range(2):
            reply = await running.client.delete(f"/v1/groups/{group_id}")
            assert (reply.json()["state"], reply.json()["reason"]) == ("dropped", "cancelled")
        assert running.parts.registry.environments["a"].credit == before + 0.5
        assert (await running.client.delete(f"/v1/groups/{'0' * 32}")).status_code == 404
        rest = len(running.parts.board.groups)
        assert (await running.client.delete("/v1/groups?environment=none")).json() == {"groups": 0}
        assert (await running.client.delete("/v1/groups")).json() == {"groups": rest}
        assert not running.parts.board.rollouts
        await until(lambda: not scripted.running)
        assert (await running.progress())["conservation_error"] == 0


async def test_a_sealed_group_is_not_cancelled(start: Start) -> None:
    async with start() as running, environment(rewarding(running, "a", 1.0), running.client):
        delivery = (await running.stream.read(1, 10.0))[0]
        reply = await running.client.delete(f"/v1/groups/{delivery.group.group_id}")
        assert reply.status_code == 409
