"""Outcomes: acknowledged once they are on the record, fenced by attempt, never a bad number."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import msgspec
import pytest

from services.contracts.cause import Cause
from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.contracts.token_record import CallHeader
from services.kit.access import Claims, Scope
from tests.orchestrator.conftest import Running, Start
from tests.orchestrator.scripted import (
    ScriptedEnvironment,
    completed,
    environment,
    failed,
    keep_record,
    until,
)

STORES = ("sqlite", "postgresql")


async def silent(request: RolloutRequest) -> Outcome | None:
    """Runs for as long as it may."""
    await asyncio.sleep(60)
    return None


async def put(
    running: Running, request: RolloutRequest, body: dict[str, Any], token: str | None = None
) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or request.report_token}"}
    return await running.client.put(request.report_url, json=body, headers=headers)


async def test_the_same_outcome_again_is_acknowledged_and_another_is_refused(start: Start) -> None:
    async with start() as running, environment(ScriptedEnvironment(silent), running.client) as scripted:
        await until(lambda: len(scripted.requests) > 0)
        request = scripted.requests[0]
        await keep_record(running.tokens, request.rollout_id, 1)
        body = completed(request).model_dump(mode="json")
        for _ in range(3):
            reply = await put(running, request, body)
            assert reply.status_code == 200, reply.text
        other = await put(running, request, {**body, "reward": 0.25})
        assert other.status_code == 409
        assert other.json()["title"] == "Fenced"
        metrics = (await running.client.get("/metrics")).text
        assert "podium_outcomes_fenced_total 1.0" in metrics
        rollout = (await running.client.get(f"/v1/rollouts/{request.rollout_id}")).json()
        assert len(rollout["attempts"]) == 1


async def test_what_an_environment_suspects_and_leaves_is_on_the_record(start: Start) -> None:
    async with start() as running, environment(ScriptedEnvironment(silent), running.client) as scripted:
        await until(lambda: len(scripted.requests) > 0)
        request = scripted.requests[0]
        await keep_record(running.tokens, request.rollout_id, 1)
        page = {"name": "page-1.png", "media_type": "image/png", "url": f"{scripted.url}/page-1.png"}
        body = completed(request).model_dump(mode="json")
        reply = await put(running, request, {**body, "labels": ["hidden_text"], "artifacts": [page]})
        assert reply.status_code == 200, reply.text
        (attempt,) = (await running.client.get(f"/v1/rollouts/{request.rollout_id}")).json()["attempts"]
        assert attempt["labels"] == ["hidden_text"]
        assert [artifact["name"] for artifact in attempt["artifacts"]] == ["page-1.png"]
        assert attempt["reward"] == body["reward"]


async def test_a_late_outcome_of_an_attempt_that_was_retried_is_fenced(start: Start) -> None:
    async with start() as running, environment(ScriptedEnvironment(silent), running.client) as scripted:
        await until(lambda: len(scripted.requests) > 0)
        request = scripted.requests[0]
        lost = failed(request, Cause.SANDBOX, "no disk")
        assert (await put(running, request, lost.model_dump(mode="json"))).status_code == 200
        await until(
            lambda: any(r.rollout_id == request.rollout_id and r.attempt == 2 for r in scripted.requests)
        )
        late = await put(running, request, completed(request).model_dump(mode="json"))
        assert late.status_code == 409
        rollout = (await running.client.get(f"/v1/rollouts/{request.rollout_id}")).json()
        assert rollout["attempt"] == 2
        assert rollout["reward"] is None
        assert [(a["cause"], a["error"], a["retried"]) for a in rollout["attempts"]] == [
            ("sandbox", "no disk", True)
        ]


@pytest.mark.parametrize("reward", ["NaN", "Infinity", "-Infinity"])
async def test_a_reward_that_is_not_finite_is_refused_by_name(start: Start, reward: str) -> None:
    async with start() as running, environment(ScriptedEnvironment(silent), running.client) as scripted:
        await until(lambda: len(scripted.requests) > 0)
        request = scripted.requests[0]
        body = completed(request).model_dump_json().replace('"reward":1.0', f'"reward":{reward}')
        headers = {"authorization": f"Bearer {request.report_token}", "content-type": "application/json"}
        reply = await running.client.put(request.report_url, content=body, headers=headers)
        assert reply.status_code == 422
        assert reply.headers["content-type"] == "application/problem+json"
        assert "reward" in reply.json()["detail"]
        rollout = (await running.client.get(f"/v1/rollouts/{request.rollout_id}")).json()
        assert rollout["state"] in ("queued", "running")


async def test_only_the_capability_of_this_attempt_may_report(start: Start) -> None:
    async with start() as running, environment(ScriptedEnvironment(silent), running.client) as scripted:
        await until(lambda: len(scripted.requests) > 1)
        request, other = scripted.requests[:2]
        body = completed(request).model_dump(mode="json")
        expired = running.signer.mint(Claims(Scope.REPORT, request.rollout_id, 1), -1)
        forged = request.report_token[:-4] + "aaaa"
        assert (await put(running, request, body, other.report_token)).status_code == 403
        assert (await put(running, request, body, request.model.api_key)).status_code == 403
        assert (await put(running, request, body, expired)).status_code == 401
        assert (await put(running, request, body, forged)).status_code == 401
        assert (await put(running, request, {**body, "attempt": 2})).status_code == 422
        huge = await put(running, request, {**body, "details": {"log": "x" * 300_000}})
        assert (huge.status_code, huge.json()["field"]) == (422, "details")


async def test_an_outcome_of_a_rollout_that_never_was(start: Start) -> None:
    async with start() as running:
        unknown = "0" * 32
        outcome = Outcome(rollout_id=unknown, attempt=1, cause=Cause.COMPLETED, reward=1.0)
        token = running.signer.mint(Claims(Scope.REPORT, unknown, 1), 60)
        reply = await running.client.put(
            f"/v1/rollouts/{unknown}/attempts/1/outcome",
            json=outcome.model_dump(mode="json"),
            headers={"authorization": f"Bearer {token}"},
        )
        assert reply.status_code == 404


async def test_an_outcome_without_records_is_lost_and_tried_again(start: Start) -> None:
    async def behaviour(request: RolloutRequest) -> Outcome:
        if request.attempt == 2:
            await keep_record(running.tokens, request.rollout_id, 2)
        return completed(request)

    async with start() as running, environment(ScriptedEnvironment(behaviour), running.client):
        delivery = (await running.stream.read(1, 10.0))[0]
        assert {rollout.attempt for rollout in delivery.group.rollouts} == {2}
        progress = await running.progress()
        assert progress["rollouts"]["retried_by_cause"]["lost"] >= 2
        assert progress["conservation_error"] == 0


async def test_records_that_nobody_can_read_end_in_the_list_of_dead_letters(start: Start) -> None:
    """One rollout in a hundred must not stop the orchestrator, again at every start."""
    damaged: list[str] = []

    async def behaviour(request: RolloutRequest) -> Outcome:
        if not damaged:
            damaged.append(request.rollout_id)
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with start(max_attempts=2) as running:
        headers = running.tokens.headers

        async def unreadable(rollout_id: str, attempt: int) -> list[CallHeader]:
            if rollout_id in damaged:
                raise msgspec.DecodeError("MessagePack data is malformed")
            return await headers(rollout_id, attempt)

        running.tokens.headers = unreadable  # type: ignore[method-assign]
        async with environment(ScriptedEnvironment(behaviour), running.client):
            await running.stream.read(1, 10.0)
            await until(lambda: bool(running.parts.overview.progress().rollouts.failed_by_cause))
            dead = (await running.client.get("/v1/rollouts", params={"dead": True})).json()["rollouts"]
            assert [rollout["rollout_id"] for rollout in dead] == damaged
            detail = (await running.client.get(f"/v1/rollouts/{damaged[0]}")).json()
            assert "malformed" in detail["attempts"][-1]["error"]


async def test_a_group_with_too_few_valid_rollouts_is_dropped_and_one_with_enough_is_repaired(
    start: Start,
) -> None:
    """Slots fail for good with cause `verifier`; the first task has too few left, the others enough."""
    slots: dict[tuple[str, int], list[str]] = {}

    async def behaviour(request: RolloutRequest) -> Outcome:
        task = slots.setdefault((request.task.split, request.task.index), [])
        task.append(request.rollout_id)
        bad = 2 if len(slots) == 1 else 1
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return failed(request, Cause.VERIFIER) if len(task) <= bad else completed(request, 0.5)

    async with (
        start(group_size=4, groups_per_step=1, max_staleness=0) as running,
        environment(ScriptedEnvironment(behaviour, capacity=4), running.client),
    ):
        delivery = (await running.stream.read(1, 10.0))[0]
        assert [rollout.repeats for rollout in delivery.group.rollouts] == [2, 1, 1]
        progress = await running.progress()
        assert progress["groups"] == {"admitted": 2, "trained": 0, "dropped": 1, "live": 1}
        failed_by_cause = progress["rollouts"]["failed_by_cause"]
        assert failed_by_cause.pop("verifier") == 3
        assert set(failed_by_cause) <= {"cancelled"}  # what still ran of the first when its fate was sealed
        assert progress["environments"][0]["groups_dropped"] == {"failed": 1}
        dropped = (await running.client.get("/v1/groups?state=dropped")).json()["groups"]
        assert [group["reason"] for group in dropped] == ["failed"]


async def test_what_was_sampled_too_long_ago_is_stale(start: Start) -> None:
    async def behaviour(request: RolloutRequest) -> Outcome:
        await keep_record(running.tokens, request.rollout_id, request.attempt, version=0)
        return completed(request)

    async with start(max_staleness=1) as running:
        running.parts.training.announced(2)
        running.engine.version = "2"
        await until(lambda: running.parts.fleet.oldest_version() == 2)
        async with environment(ScriptedEnvironment(behaviour), running.client):
            await until(lambda: running.parts.overview.progress().groups.dropped > 0)
            progress = await running.progress()
            assert "stale" in progress["rollouts"]["failed_by_cause"]
            assert set(progress["rollouts"]["failed_by_cause"]) <= {"stale", "cancelled"}
            assert await running.stream.backlog() == 0
            groups = (await running.client.get("/v1/groups?state=dropped")).json()["groups"]
            assert groups[0]["reason"] == "stale"


async def test_poison_ends_in_the_list_of_dead_letters(start: Start) -> None:
    """What fails at every attempt is tried so often and no more, listed as such, and never rewarded."""

    async def behaviour(request: RolloutRequest) -> Outcome:
        if request.task.index % 2 == 0:
            return failed(request, Cause.ENVIRONMENT, "poison")
        if request.task.index == 1:
            return failed(request, Cause.VERIFIER)
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request)

    async with (
        start(max_attempts=2, groups_per_step=8, max_staleness=0) as running,
        environment(ScriptedEnvironment(behaviour, splits={"train": 8}), running.client) as scripted,
    ):
        await until(lambda: running.parts.overview.progress().rollouts.sealed >= 6)
        await running.client.put("/v1/admission", json={"state": "paused"})
        await until(lambda: running.parts.overview.progress().rollouts.live == 0)
        dead = (await running.client.get("/v1/rollouts?dead=true")).json()["rollouts"]
        failures = (await running.client.get("/v1/rollouts?state=failed&limit=1000")).json()["rollouts"]
    poisoned = {request.rollout_id for request in scripted.requests if request.task.index % 2 == 0}
    cancelled = {rollout["rollout_id"] for rollout in failures if rollout["cause"] == "cancelled"}
    listed = {rollout["rollout_id"] for rollout in dead}
    assert listed
    assert listed <= poisoned <= listed | cancelled  # the rest of a group that is lost is not tried out
    assert {(rollout["attempt"], rollout["reward"], rollout["error"]) for rollout in dead} == {
        (2, None, "poison")
    }
    assert {rollout["cause"] for rollout in failures} - {"cancelled"} == {"environment", "verifier"}
    attempts = Counter(request.rollout_id for request in scripted.requests)
    assert all(attempts[rollout_id] == 2 for rollout_id in listed)
    assert max(attempts[rollout_id] for rollout_id in poisoned) == 2
