"""Leases: renewed by heartbeats, lost without them, and over at the deadline."""

import asyncio
import time

import pytest

from services.contracts.environment import Heartbeat, LiveRollout, RolloutRequest
from services.contracts.outcome import Outcome
from tests.orchestrator.conftest import Start
from tests.orchestrator.scripted import ScriptedEnvironment, completed, environment, keep_record, until


async def never(request: RolloutRequest) -> Outcome | None:
    await asyncio.sleep(60)
    return None


async def test_what_is_not_renewed_is_lost_and_its_slot_filled_again(start: Start) -> None:
    async with (
        start(lease_s=0.5, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(never), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 2)
        scripted.beats = False
        await until(lambda: running.parts.overview.progress().rollouts.retried_by_cause.get("lost") == 2)
        assert running.parts.registry.aside() == {"scripted"}
        scripted.beats = True
        await until(lambda: sum(request.attempt == 2 for request in scripted.requests) == 2)
        # told to stop the attempts that were taken from it, and only those
        await until(lambda: len(scripted.stopped) >= 2)
        assert {stop.attempt for stop in scripted.stopped} == {1}
        assert len(scripted.running) == 2


async def test_replicas_of_one_name_each_renew_what_they_run(start: Start) -> None:
    """Behind one address: when one of them dies, what it ran is lost, and nothing else."""
    async with (
        start(lease_s=0.6, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(never), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 2)
        scripted.beats = False
        dying, living = (LiveRollout(rollout_id=r.rollout_id, attempt=1) for r in scripted.requests)
        leases = running.parts.leases
        for _ in range(8):
            for replica in (dying, living):
                assert not (await leases.heartbeat("scripted", Heartbeat(running=(replica,)))).stop
            await asyncio.sleep(0.1)
        assert running.parts.overview.progress().rollouts.retried_by_cause == {}
        for _ in range(10):
            await leases.heartbeat("scripted", Heartbeat(running=(living,)))
            await asyncio.sleep(0.1)
        assert running.parts.overview.progress().rollouts.retried_by_cause == {"lost": 1}


async def test_heartbeats_keep_a_long_rollout_until_its_deadline(start: Start) -> None:
    async with (
        start(lease_s=0.4, rollout_deadline_s=1.0, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(never), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 2)
        await asyncio.sleep(0.9)
        progress = running.parts.overview.progress()
        assert progress.rollouts.retried_by_cause == {}
        await until(lambda: running.parts.overview.progress().rollouts.retried_by_cause != {})
        assert set(running.parts.overview.progress().rollouts.retried_by_cause) == {"environment"}


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
async def test_a_clock_that_jumps_ends_no_lease_and_no_deadline(
    start: Start, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    """Leases and deadlines run on the monotonic clock; only what people read follows the other."""
    released, right = asyncio.Event(), time.time

    async def behaviour(request: RolloutRequest) -> Outcome:
        await released.wait()
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with (
        start(groups_per_step=1, max_staleness=0, lease_s=0.5, rollout_deadline_s=30.0) as running,
        environment(ScriptedEnvironment(behaviour), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 2)
        monkeypatch.setattr(time, "time", lambda: right() + jump_s)
        await asyncio.sleep(0.8)  # longer than a lease and a look at it
        released.set()
        (delivery,) = await running.stream.read(1, 20.0)
        assert {rollout.attempt for rollout in delivery.group.rollouts} == {1}
        assert running.parts.overview.progress().rollouts.retried_by_cause == {}


async def test_attempts_run_out_and_the_group_is_dropped(start: Start) -> None:
    async with (
        start(lease_s=0.3, max_attempts=2, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(never), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 2)
        task = scripted.running  # a service that lost what it ran
        await until(lambda: _forget(task) and running.parts.overview.progress().groups.dropped > 0)
        progress = running.parts.overview.progress()
        assert progress.rollouts.failed_by_cause["lost"] >= 1  # the other may be cancelled: it cannot help
        assert progress.conservation_error == 0


def _forget(running: dict[tuple[str, int], asyncio.Task[None]]) -> bool:
    for task in running.values():
        task.cancel()
    running.clear()
    return True


async def test_a_cancelled_rollout_is_stopped_and_counted(start: Start) -> None:
    async with (
        start(group_size=3, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(never), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 3)
        rollout_id = scripted.requests[0].rollout_id
        reply = await running.client.delete(f"/v1/rollouts/{rollout_id}")
        assert (reply.json()["state"], reply.json()["cause"]) == ("failed", "cancelled")
        assert (await running.client.delete(f"/v1/rollouts/{rollout_id}")).status_code == 200
        await until(lambda: any(stop.rollout_id == rollout_id for stop in scripted.stopped))
        assert len(scripted.running) == 2


async def test_an_environment_that_is_removed_takes_its_rollouts_with_it(start: Start) -> None:
    async with (
        start(groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(never), running.client) as scripted,
    ):
        await until(lambda: len(scripted.running) == 2)
        scripted.beats = False
        assert (await running.client.delete("/v1/environments/scripted")).status_code == 204
        progress = await running.progress()
        assert progress["rollouts"]["live"] == 0
        assert progress["rollouts"]["failed_by_cause"] == {"cancelled": 2}
        assert progress["groups"] == {"admitted": 1, "trained": 0, "dropped": 1, "live": 0}
        heartbeat = await running.client.post("/v1/environments/scripted/heartbeat", json={})
        assert heartbeat.json()["registered"] is False


async def test_an_attempt_whose_acceptance_was_never_heard_runs_on(start: Start) -> None:
    """The environment took it and its answer was lost: a heartbeat says so, and nothing starts twice."""

    async def behaviour(request: RolloutRequest) -> Outcome:
        await asyncio.sleep(0.5)
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    scripted = ScriptedEnvironment(behaviour)
    async with (
        start(groups_per_step=1, max_staleness=0) as running,
        environment(scripted, running.client),
    ):
        scripted.forgetful = True
        await until(lambda: len(scripted.running) == 2)
        delivery = (await running.stream.read(1, 10.0))[0]
        assert {rollout.attempt for rollout in delivery.group.rollouts} == {1}
        assert len(scripted.requests) == 2
