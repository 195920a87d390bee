"""One thread through everything: registered, dispatched, reported, sealed, appended, trained."""

import time
from typing import Any

from services.contracts.environment import RolloutRequest
from services.contracts.outcome import Outcome
from services.contracts.step import GroupVerdict, StepReport
from services.kit.access import Scope
from tests.orchestrator.conftest import Running, Start
from tests.orchestrator.scripted import ScriptedEnvironment, completed, environment, keep_record, until


def learns(running: Running) -> ScriptedEnvironment:
    """Every rollout makes one model call and gets a reward by its id."""

    async def behaviour(request: RolloutRequest) -> Outcome:
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        return completed(request, reward=int(request.rollout_id[0], 16) % 2)

    return ScriptedEnvironment(behaviour)


def report(step: int, version: int, groups: list[str], verdict: Any = "trained") -> dict[str, Any]:
    verdicts = tuple(GroupVerdict(group_id=group, verdict=verdict, staleness=1) for group in groups)
    told = StepReport(
        step=step,
        weight_version=version,
        groups=verdicts,
        metrics={"loss": 0.5},
        tito_turns=4,
        finished_at=time.time(),
    )
    return told.model_dump(mode="json")


async def test_a_group_goes_all_the_way(start: Start) -> None:
    async with start() as running, environment(learns(running), running.client) as scripted:
        deliveries = await running.stream.read(4, 5.0)
        while len(deliveries) < 4:
            deliveries += await running.stream.read(4, 5.0)
        group = deliveries[0].group
        assert group.environment == "scripted"
        assert [rollout.repeats for rollout in group.rollouts] == [1, 1]
        assert len(scripted.requests) >= 8

        page = (await running.client.get("/v1/rollouts", params={"group_id": group.group_id})).json()
        assert {row["state"] for row in page["rollouts"]} == {"sealed"}
        detail = (await running.client.get(f"/v1/rollouts/{group.rollouts[0].rollout_id}?tokens=true")).json()
        assert [message["role"] for message in detail["messages"]] == ["user", "assistant"]
        assert detail["messages"][1]["sampled"]
        assert detail["calls"][0]["versions"] == [[0, 0, 3]]
        assert detail["tokens"][0]["sampled_ids"] == [0, 1, 2]

        trained = [delivery.group.group_id for delivery in deliveries[:2]]
        learner = running.token(Scope.LEARNER)
        for _ in range(2):  # idempotent
            reply = await running.client.put("/v1/steps/1", json=report(1, 1, trained), headers=learner)
            assert reply.status_code == 204, reply.text
        progress = await running.progress()
        assert progress["step"] == 1
        assert progress["weight_version"] == 1
        assert progress["groups"]["trained"] == 2
        assert progress["staleness"] == {"mean": 1.0, "max": 1}
        assert progress["tito"] == {"turns": 4, "breaks": 0}
        assert progress["conservation_error"] == 0


async def test_admission_stops_at_what_can_be_fresh_and_goes_on_with_the_learner(start: Start) -> None:
    async with start() as running, environment(learns(running), running.client):
        await until(lambda: running.parts.overview.progress().groups.admitted == 4)
        await until(lambda: running.parts.overview.progress().rollouts.live == 0)
        progress = await running.progress()
        assert progress["groups"]["admitted"] == 4  # (max_staleness + 1) · groups_per_step
        assert progress["admission"]["limit"] == "staleness"
        ids = list(running.parts.board.groups)[:2]
        await running.client.put("/v1/steps/1", json=report(1, 1, ids))
        # the engine is still at version 0: what it samples is one version old already
        assert (await running.progress())["groups"]["admitted"] <= 6
