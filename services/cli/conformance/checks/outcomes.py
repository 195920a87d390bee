"""Outcomes: a reward with its components or a failure with its cause, reported until acknowledged."""

import asyncio
import time

from services.cli.conformance.check import check
from services.cli.conformance.findings import expect
from services.cli.conformance.model import done, fail, hang
from services.cli.conformance.scene import MODEL_NAME, Scene
from services.contracts.outcome import Outcome

_SHORT_S = 3.0
_QUIET_S = 3.0
_SIDE_BY_SIDE = 4


@check(
    "The agent asks the model at model.base_url with model.api_key and model.name, and nowhere else.",
    "Give the agent's OpenAI client base_url, api_key and model of the request; take none from settings.",
)
async def asks_the_model(scene: Scene) -> None:
    request = await scene.accepted(scene.request(done))
    outcome = await scene.outcome(request)
    key = request.model.api_key
    expect(scene.model.calls[key] > 0, f"no call with this rollout's key; it ended as {_told(outcome)}")
    expect(scene.model.names[key] == MODEL_NAME, f"it asked for the model {scene.model.names[key]!r}")


@check(
    "A rollout whose agent finished is scored: cause `completed` or `budget` with a finite reward.",
    "Score what the agent left, whatever that is; an agent that does nothing gets the reward of nothing.",
)
async def scores_what_was_done(scene: Scene) -> None:
    outcome = await _played(scene)
    expect(outcome.cause.reward_valid, f"an agent that only says 'done' ended as {_told(outcome)}")


@check(
    "The reward lies in the manifest's reward_range, and its components are those that it lists.",
    "Widen reward_range or scale the reward, and list every component in reward_components.",
)
async def reward_is_as_promised(scene: Scene) -> None:
    outcome = await _played(scene)
    low, high = scene.offered().reward_range
    reward = outcome.reward
    expect(reward is not None and low <= reward <= high, f"reward {reward} is not within [{low:g}, {high:g}]")
    unknown = sorted(set(outcome.components) - set(scene.offered().reward_components))
    expect(not unknown, f"components that the manifest does not list: {', '.join(unknown)}")


@check(
    "An outcome is reported again until it is acknowledged, always the same.",
    "Repeat the PUT with the same body after a connection error or a 5xx, waiting a little longer each time.",
)
async def reports_until_acknowledged(scene: Scene) -> None:
    request = scene.request(done)
    scene.ear.answers[(request.rollout_id, 1)] = [503, 503]
    await scene.accepted(request)
    told = [await scene.outcome(request, number) for number in (1, 2, 3)]
    expect(told[0] == told[1] == told[2], "the outcome changed between its reports")


@check(
    "An outcome that is refused with 409 is discarded: a newer attempt has taken over.",
    "Stop reporting after a 4xx other than 408, 425 and 429.",
)
async def discards_what_is_refused(scene: Scene) -> None:
    request = scene.request(done)
    reports = scene.ear.reports[(request.rollout_id, 1)]
    scene.ear.answers[(request.rollout_id, 1)] = [409] * 1000
    await scene.accepted(request)
    await scene.outcome(request)
    again = await scene.ear.nth(reports, 2, _QUIET_S)
    expect(again is None, "the outcome was reported again after it was refused with 409")


@check(
    "A model that fails is no bad answer: the outcome has a cause that is tried again, and no reward.",
    "When a model call ends in a 5xx, stop and report cause `engine` without a reward.",
)
async def failure_is_no_reward(scene: Scene) -> None:
    request = await scene.accepted(scene.request(fail))
    outcome = await scene.outcome(request, timeout_s=request.deadline_s + scene.place.grace_s)
    expect(outcome.cause.retry, f"with a model that answers 500 it ended as {_told(outcome)}")


@check(
    "An attempt ends within its deadline_s, whatever the model does.",
    "Bound the attempt by deadline_s from its acceptance; score what there is, or report `environment`.",
)
async def keeps_the_deadline(scene: Scene) -> None:
    started = time.monotonic()
    request = await scene.accepted(scene.request(hang, deadline_s=_SHORT_S))
    await scene.outcome(request, timeout_s=_SHORT_S + scene.place.grace_s)
    took = time.monotonic() - started
    expect(took < _SHORT_S + scene.place.grace_s, f"with deadline_s {_SHORT_S:g} it ended after {took:.1f} s")


@check(
    "Rollouts that run side by side are kept apart: each asks with its own key and reports its own outcome.",
    "Keep nothing of a rollout in globals; make the agent's client anew for each attempt.",
)
async def keeps_rollouts_apart(scene: Scene) -> None:
    number = min(_SIDE_BY_SIDE, scene.offered().capacity)
    requests = [await scene.accepted(scene.request(done)) for _ in range(number)]
    outcomes = await asyncio.gather(*(scene.outcome(request) for request in requests))
    for request, outcome in zip(requests, outcomes, strict=True):
        expect(outcome.rollout_id == request.rollout_id, "an outcome came to another rollout's report_url")
        expect(scene.model.calls[request.model.api_key] > 0, "a rollout never used its own key")


async def _played(scene: Scene) -> Outcome:
    return await scene.outcome(await scene.accepted(scene.request(done)))


def _told(outcome: Outcome) -> str:
    return f"'{outcome.cause}' with reward {outcome.reward}: {(outcome.error or 'no error')[-300:]}"


CHECKS = (
    asks_the_model,
    scores_what_was_done,
    reward_is_as_promised,
    reports_until_acknowledged,
    discards_what_is_refused,
    failure_is_no_reward,
    keeps_the_deadline,
    keeps_rollouts_apart,
)
