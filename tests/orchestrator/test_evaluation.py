"""Evaluations: the same tasks every time, before training, never trained, failures apart."""

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


def measured(running: Running) -> ScriptedEnvironment:
    """Even tasks succeed; the verifier of task 3 does not start."""

    async def behaviour(request: RolloutRequest) -> Outcome:
        await keep_record(running.tokens, request.rollout_id, request.attempt)
        if request.task.index == 3:
            return failed(request, Cause.VERIFIER)
        return completed(request, float(request.task.index % 2 == 0))

    return ScriptedEnvironment(behaviour, splits={"train": 20, "evaluation": 4, "empty": 0})


async def test_an_evaluation(start: Start) -> None:
    async with (
        start(admission="paused") as running,
        environment(measured(running), running.client) as scripted,
    ):
        body = {"environment": "scripted", "rollouts": 10, "sampling": {"temperature": 0.5}}
        reply = await running.client.post("/v1/evaluations", json=body)
        assert reply.status_code == 202
        evaluation_id = reply.json()["evaluation_id"]
        await until(lambda: running.parts.overview.progress().rollouts.live == 0)
        result = (await running.client.get(f"/v1/evaluations/{evaluation_id}")).json()
        assert (result["state"], result["completed"], result["valid"]) == ("finished", 10, 8)
        assert result["mean_reward"] == 5 / 8  # tasks 0, 1, 2, 3 ran 3, 3, 2, 2 times
        assert result["failed_by_cause"] == {"verifier": 2}
        assert Counter(r.task.index for r in scripted.requests) == {0: 3, 1: 3, 2: 2, 3: 2}
        assert {r.model.sampling.temperature for r in scripted.requests} == {0.5}
        progress = await running.progress()
        assert progress["groups"] == {"admitted": 0, "trained": 0, "dropped": 0, "live": 0}
        assert progress["conservation_error"] == 0
        assert await running.stream.backlog() == 0

        again = await running.client.post("/v1/evaluations", json={**body, "evaluation_id": evaluation_id})
        assert again.json() == {"evaluation_id": evaluation_id}
        assert (await running.progress())["rollouts"]["admitted"] == 10
        none = await running.client.post("/v1/evaluations", json={**body, "split": "empty"})
        assert (none.status_code, none.json()["field"]) == (422, "split")
        assert (await running.client.get(f"/v1/evaluations/{'0' * 32}")).status_code == 404


async def test_evaluations_go_before_training(start: Start) -> None:
    async with (
        start(groups_per_step=50, admission="paused") as running,
        environment(measured(running), running.client) as scripted,
    ):
        scripted.answer = 429
        await running.client.put("/v1/admission", json={"state": "open"})
        await until(lambda: running.parts.board.queued("scripted") > 0)
        await running.client.post("/v1/evaluations", json={"environment": "scripted", "rollouts": 8})
        scripted.answer = None
        await until(lambda: len(scripted.requests) >= 12)
        splits = [request.task.split for request in scripted.requests[:8]]
        assert splits == ["evaluation"] * 8
