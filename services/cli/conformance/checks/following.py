"""Asking after a rollout, and cancelling it."""

import httpx
from pydantic import ValidationError

from services.cli.conformance.check import check
from services.cli.conformance.findings import Broken, expect
from services.cli.conformance.model import done, hang
from services.cli.conformance.scene import Scene, described, first_of
from services.contracts.cause import Cause
from services.contracts.environment import RolloutRequest, RolloutState
from services.contracts.words import new_id


@check(
    "GET /v1/rollouts/{id} tells the newest attempt's state: running, reporting or reported.",
    "Answer rollout_id, attempt, state, turns and seconds; remember a rollout for a while after its end.",
)
async def tells_the_state(scene: Scene) -> None:
    request = await scene.accepted(scene.request(hang))
    state = _state(await _ask(scene, request))
    expect((state.rollout_id, state.attempt) == (request.rollout_id, 1), f"it tells of {state}")
    expect(state.state == "running", f"a rollout whose model keeps silent is '{state.state}'")


@check(
    "No reply of the service contains a rollout's api_key or report_token.",
    "Answer POST and GET with the state only, not with the request.",
)
async def keeps_secrets(scene: Scene) -> None:
    request = scene.request(done)
    replies = [await scene.start(request), await _ask(scene, request)]
    await scene.outcome(request)
    replies.append(await _ask(scene, request))
    told = "".join(reply.text for reply in replies)
    shown = [name for name, secret in _secrets(request).items() if secret in told]
    expect(not shown, f"replies contain {' and '.join(shown)}")


@check(
    "A rollout that nobody knows is 404, for GET and for DELETE.",
    "Answer 404 when the id is not one that this service was given.",
)
async def unknown_rollouts_are_missing(scene: Scene) -> None:
    for method in ("GET", "DELETE"):
        reply = await scene.client.request(method, f"/v1/rollouts/{new_id()}")
        expect(reply.status_code == 404, f"{method} of an unknown rollout answered {described(reply)}")


@check(
    "DELETE /v1/rollouts/{id} stops a rollout; its outcome is reported as `cancelled`, without a reward.",
    "Cancel the attempt's work (also while it waits for the model), then report cause `cancelled`.",
)
async def cancels(scene: Scene) -> None:
    request = await scene.accepted(scene.request(hang))
    expect(await scene.called(request), "the rollout never asked the model")
    reply = await scene.client.delete(f"/v1/rollouts/{request.rollout_id}")
    expect(reply.is_success, f"DELETE answered {described(reply)}")
    outcome = await scene.outcome(request, timeout_s=scene.place.grace_s)
    expect(outcome.cause == Cause.CANCELLED, f"the outcome's cause is '{outcome.cause}'")


def _secrets(request: RolloutRequest) -> dict[str, str]:
    return {"model.api_key": request.model.api_key, "report_token": request.report_token}


async def _ask(scene: Scene, request: RolloutRequest) -> httpx.Response:
    return await scene.client.get(f"/v1/rollouts/{request.rollout_id}")


def _state(reply: httpx.Response) -> RolloutState:
    expect(reply.status_code == 200, f"GET /v1/rollouts/{{id}} answered {described(reply)}")
    try:
        return RolloutState.model_validate_json(reply.content)
    except ValidationError as error:
        raise Broken(f"the state does not fit: {first_of(error)}") from error


CHECKS = (tells_the_state, keeps_secrets, unknown_rollouts_are_missing, cancels)
