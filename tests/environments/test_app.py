"""The contract `podium.environment/1` over HTTP, and what the runner promises behind it."""

import asyncio

import httpx
import pytest

from services.contracts.environment import HeartbeatReply, LiveRollout, Manifest, RolloutState, TaskCard
from services.kit.http import http_client
from tests.environments.conftest import World
from tests.environments.standins import Json, moves

UNKNOWN = "0123456789abcdef0123456789abcdef"
SLOW = moves("sleep 0.8", "sleep 0.8", "sleep 0.8", "sleep 0.8")


async def running(world: World) -> None:
    """Until the model has been asked, so that a sandbox is open."""
    async with asyncio.timeout(10):
        while not world.model.requests:
            await asyncio.sleep(0.005)


async def test_manifest_and_tasks(world: World) -> None:
    manifest = Manifest.model_validate_json((await world.client.get("/v1/manifest")).content)
    assert (manifest.contract, manifest.splits, manifest.capacity) == (
        "podium.environment/1",
        {"train": 1},
        2,
    )
    card = TaskCard.model_validate_json((await world.client.get("/v1/tasks/train/0")).content)
    assert (card.title, card.instruction) == ("test/0000-answer", "Write right to answer.txt.")


@pytest.mark.parametrize("path", ["/v1/tasks/train/1", "/v1/tasks/nosuch/0", f"/v1/rollouts/{UNKNOWN}"])
async def test_what_there_is_not(world: World, path: str) -> None:
    reply = await world.client.get(path)
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("token", [None, "wrong", "rollout-key"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/manifest"),
        ("GET", "/v1/tasks/train/0"),
        ("POST", "/v1/rollouts"),
        ("GET", f"/v1/rollouts/{UNKNOWN}"),
        ("DELETE", f"/v1/rollouts/{UNKNOWN}"),
    ],
)
async def test_only_the_dispatch_token_opens(world: World, method: str, path: str, token: str | None) -> None:
    async with http_client(base_url=world.url, token=token) as stranger:
        assert (await stranger.request(method, path)).status_code == 401


async def test_health_metrics_and_documents_are_open(world: World) -> None:
    outcome = await world.play()
    assert outcome["cause"] == "completed", outcome
    async with http_client(base_url=world.url) as stranger:
        for path in ("/healthz", "/metrics", "/openapi.json"):
            assert (await stranger.get(path)).status_code == 200
        text = (await stranger.get("/metrics")).text
    assert 'podium_environment_rollouts_total{cause="completed"} 1.0' in text
    assert 'podium_environment_phase_seconds_count{phase="verify"} 1.0' in text


async def test_the_same_attempt_again_starts_nothing(world: World) -> None:
    request = world.request()
    replies = await asyncio.gather(*(world.post(request) for _ in range(5)))
    assert {reply.status_code for reply in replies} == {202}
    await world.ear.outcome()
    assert (await world.post(request)).status_code == 202
    await asyncio.sleep(0.2)
    assert len(world.model.requests) == 1
    assert world.ear.outcomes == []


async def test_state_is_told(world: World) -> None:
    request = world.request()
    await world.post(request)
    await world.ear.outcome()
    async with asyncio.timeout(5):
        while True:
            reply = await world.client.get(f"/v1/rollouts/{request.rollout_id}")
            state = RolloutState.model_validate_json(reply.content)
            if state.state == "reported":
                break
    assert (state.attempt, state.turns) == (1, 1)


async def test_full_is_429_and_says_when_to_come_back(world: World) -> None:
    world.model.script = SLOW
    assert [(await world.post(world.request())).status_code for _ in range(3)] == [202, 202, 429]
    reply = await world.post(world.request())
    assert int(reply.headers["retry-after"]) >= 1
    for live in world.runner.live():
        await world.client.delete(f"/v1/rollouts/{live.rollout_id}")
    assert {(await world.ear.outcome())["cause"] for _ in range(2)} == {"cancelled"}
    assert (await world.post(world.request())).status_code == 202


async def test_a_newer_attempt_takes_over_and_an_older_one_is_refused(world: World) -> None:
    world.model.script = SLOW
    first = world.request()
    await world.post(first)
    await running(world)
    second = first.model_copy(update={"attempt": 2})
    assert (await world.post(second)).status_code == 202
    assert (await world.post(first)).status_code == 409
    outcome = await world.ear.outcome()
    assert (outcome["attempt"], outcome["cause"]) == (1, "cancelled")
    assert [live.attempt for live in world.runner.live()] == [2]


async def test_cancelling(world: World) -> None:
    world.model.script = SLOW
    request = world.request()
    await world.post(request)
    await running(world)
    assert (await world.client.delete(f"/v1/rollouts/{request.rollout_id}")).status_code == 202
    outcome = await world.ear.outcome()
    assert (outcome["cause"], outcome["reward"], outcome["rollout_id"]) == (
        "cancelled",
        None,
        request.rollout_id,
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rollout_id": "short"}, "rollout_id"),
        ({"attempt": 0}, "attempt"),
        ({"deadline_s": -1}, "deadline_s"),
        ({"surprise": 1}, "surprise"),
        ({"report_url": "file:///etc/passwd"}, "report_url"),
        ({"report_url": "nonsense"}, "report_url"),
    ],
)
async def test_a_bad_request_names_its_field(world: World, change: Json, field: str) -> None:
    body = {**world.request().model_dump(), **change}
    reply = await world.client.post("/v1/rollouts", json=body)
    assert reply.status_code == 422
    assert reply.json()["field"] == field


async def test_a_deadline_that_passes_without_a_score_is_no_reward(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("environments.terminal.attempts.verify", hangs)
    outcome = await world.play(deadline_s=0.5)
    assert (outcome["cause"], outcome["reward"]) == ("environment", None)
    assert "the deadline of 0.5 s passed before a score" in outcome["error"]


async def test_an_unexpected_error_is_reported_with_its_traceback(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("environments.terminal.agents.Chat", broken)
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == ("environment", None)
    assert "ZeroDivisionError: a bug" in outcome["error"]
    assert "Traceback" in outcome["error"]


async def test_a_report_is_repeated_until_it_is_acknowledged(world: World) -> None:
    world.ear.broken = True
    await world.post(world.request())
    async with asyncio.timeout(10):
        while world.ear.attempts_to_report < 3:
            await asyncio.sleep(0.01)
    assert len(world.runner.live()) == 1
    world.ear.broken = False
    assert (await world.ear.outcome())["cause"] == "completed"
    await asyncio.sleep(0.05)
    assert world.runner.live() == ()


async def test_a_fenced_report_is_dropped(world: World) -> None:
    world.ear.refuse = True
    await world.post(world.request())
    async with asyncio.timeout(10):
        while world.ear.attempts_to_report < 1 or world.runner.live():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    assert world.ear.attempts_to_report == 1


async def test_registration_and_heartbeats(world: World) -> None:
    world.model.script = SLOW
    request = world.request()
    await world.post(request)
    async with world.registrar.running(), asyncio.timeout(10):
        while len(world.ear.heartbeats) < 2:
            await asyncio.sleep(0.01)
        assert world.ear.registrations[0]["url"] == world.url
        assert world.ear.registrations[0]["dispatch_token"] == "dispatch-token"
        assert world.ear.heartbeats[-1] == {"running": [{"rollout_id": request.rollout_id, "attempt": 1}]}
        world.ear.known = False
        while len(world.ear.registrations) < 2:
            await asyncio.sleep(0.01)


async def test_heartbeats_go_on_for_a_rollout_that_is_not_acknowledged(world: World) -> None:
    world.ear.broken = True
    await world.post(world.request())
    async with world.registrar.running(), asyncio.timeout(10):
        while world.ear.attempts_to_report < 2 or not world.ear.heartbeats:
            await asyncio.sleep(0.01)
        assert world.ear.heartbeats[-1]["running"]
        world.ear.stop = world.runner.live()
        while world.runner.live():
            await asyncio.sleep(0.01)


async def test_the_orchestrator_can_stop_exactly_one_attempt(world: World) -> None:
    world.model.script = SLOW
    first, second = world.request(), world.request()
    await world.post(first)
    await world.post(second)
    newer = LiveRollout(rollout_id=second.rollout_id, attempt=9)
    world.runner.stop(HeartbeatReply(stop=(LiveRollout(rollout_id=first.rollout_id, attempt=1), newer)).stop)
    outcome = await world.ear.outcome()
    assert (outcome["rollout_id"], outcome["cause"]) == (first.rollout_id, "cancelled")
    assert [live.rollout_id for live in world.runner.live()] == [second.rollout_id]


async def test_more_at_once_than_one(world: World) -> None:
    world.model.script = moves("echo right > answer.txt")
    replies: list[httpx.Response] = []
    while len(replies) < 8:
        reply = await world.post(world.request())
        if reply.status_code == 202:
            replies.append(reply)
        else:
            await asyncio.sleep(0.01)
    outcomes = [await world.ear.outcome() for _ in range(8)]
    assert [outcome["reward"] for outcome in outcomes] == [1.0] * 8
