"""Starting rollouts: quickly, once, within the capacity, and the newest attempt only."""

import asyncio
import time

from services.cli.conformance.check import check
from services.cli.conformance.findings import Skipped, expect
from services.cli.conformance.model import done, hang
from services.cli.conformance.scene import Scene, described
from services.contracts.environment import RolloutRequest
from services.contracts.words import new_id

_QUICK_S = 5.0
_MOST_FILLED = 64  # more slots than this are not filled to see what happens


@check(
    "POST /v1/rollouts accepts an attempt with 202 at once and runs it in the background.",
    "Start the work in a task of its own and answer 202 before the agent begins.",
)
async def accepts_at_once(scene: Scene) -> None:
    before = time.monotonic()
    await scene.accepted(scene.request(hang))
    took = time.monotonic() - before
    quick_s = min(_QUICK_S, scene.place.patience_s / 2)
    expect(took < quick_s, f"the answer took {took:.1f} s while the model kept silent")


@check(
    "The same id and attempt again: 202, and nothing is started twice.",
    "Look the attempt up by (rollout_id, attempt) before starting it; a known one is answered with 202.",
)
async def starts_once(scene: Scene) -> None:
    request = scene.request(done)
    replies = await asyncio.gather(*(scene.start(request) for _ in range(3)))
    await scene.outcome(request)
    replies.append(await scene.start(request))
    statuses = [reply.status_code for reply in replies]
    expect(statuses == [202] * 4, f"the same attempt four times was answered {statuses}")
    second = await scene.ear.nth(scene.ear.reports[(request.rollout_id, 1)], 2, 1.0)
    expect(second is None, "the attempt was reported twice, although the first report was acknowledged")


@check(
    "A rollout of a task that does not exist, or a body that does not fit, is refused (400 to 422).",
    "Check the body and the task before accepting; answer 404 or 422, never 202 or a server error.",
)
async def refuses_what_does_not_fit(scene: Scene) -> None:
    fitting = scene.request(done)
    missing = fitting.model_copy(update={"task": fitting.task.model_copy(update={"split": "no-such-split"})})
    bodies = {
        "a task that does not exist": missing.model_dump_json(),
        "a body without a model": fitting.model_dump_json(exclude={"model"}),
        "attempt 0": fitting.model_copy(update={"attempt": 0}).model_dump_json(),
        "no JSON": "{",
    }
    for what, body in bodies.items():
        reply = await scene.client.post(
            "/v1/rollouts", content=body, headers={"content-type": "application/json"}
        )
        expect(400 <= reply.status_code < 500, f"{what} was answered {described(reply)}")


@check(
    "A newer attempt of a rollout takes over from the one that runs; an older one is refused with 409.",
    "Keep the newest attempt of each rollout_id; stop the older one's work when a newer one starts.",
)
async def newest_attempt_runs(scene: Scene) -> None:
    first = await scene.accepted(scene.request(hang))
    second = await scene.accepted(scene.request(done, attempt=2, of=first.rollout_id))
    outcome = await scene.outcome(second)
    expect(outcome.attempt == 2, f"the outcome is of attempt {outcome.attempt}")
    late = await scene.start(first.model_copy(update={"attempt": 1}))
    expect(late.status_code == 409, f"attempt 1 after attempt 2 was answered {described(late)}")


@check(
    "When all slots are taken, a rollout is refused with 429 and Retry-After.",
    "Count what runs; at `capacity` answer 429 with a Retry-After header in seconds.",
)
async def full_says_when(scene: Scene) -> None:
    capacity = scene.offered().capacity
    if capacity > _MOST_FILLED:
        raise Skipped(f"capacity {capacity} is more than the {_MOST_FILLED} that are tried")
    for number in range(capacity):
        reply = await scene.start(scene.request(hang))
        expect(
            reply.status_code == 202, f"rollout {number + 1} of {capacity} was answered {described(reply)}"
        )
    await _over_capacity(scene, scene.request(hang))


async def _over_capacity(scene: Scene, request: RolloutRequest) -> None:
    reply = await scene.client.post(
        "/v1/rollouts",
        content=request.model_copy(update={"rollout_id": new_id()}).model_dump_json(),
        headers={"content-type": "application/json"},
    )
    expect(reply.status_code == 429, f"one rollout more than the capacity was answered {described(reply)}")
    wait = reply.headers.get("retry-after", "")
    expect(wait.isdigit() and int(wait) > 0, f"Retry-After of the 429 is {wait!r}")


CHECKS = (accepts_at_once, starts_once, refuses_what_does_not_fit, newest_attempt_runs, full_says_when)
