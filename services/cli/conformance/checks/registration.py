"""Registration and heartbeats; only heard when the environment was told that we are its orchestrator."""

from pydantic import ValidationError

from services.cli.conformance.check import check
from services.cli.conformance.findings import Broken, Skipped, expect
from services.cli.conformance.model import hang
from services.cli.conformance.scene import Scene, first_of
from services.contracts.environment import Heartbeat, LiveRollout, Registration

_BEATS = 4


@check(
    "The service registers with POST {orchestrator}/v1/environments: name, url, dispatch_token, share.",
    "Register once the service can be reached, repeat until it is accepted, and only then send heartbeats.",
)
async def registers(scene: Scene) -> None:
    _must_hear(scene)
    registration = await _registration(scene, scene.place.patience_s)
    expect(registration.name == scene.offered().name, f"it registers as '{registration.name}'")
    expect(bool(registration.dispatch_token), "dispatch_token is empty: anyone could start rollouts")


@check(
    "A heartbeat every few seconds names every attempt whose end is not acknowledged: it renews the leases.",
    "POST {orchestrator}/v1/environments/{name}/heartbeat with `running` every 2 s, also when it is empty.",
)
async def heartbeats_name_what_runs(scene: Scene) -> None:
    _must_hear(scene)
    request = await scene.accepted(scene.request(hang))
    live = LiveRollout(rollout_id=request.rollout_id, attempt=1)
    heard = len(scene.ear.heartbeats)
    for number in range(1, _BEATS + 1):
        if live in await _beat(scene, heard + number):
            return
    raise Broken(f"{_BEATS} heartbeats did not name a rollout that runs")


@check(
    "A heartbeat's reply names attempts to stop; the service stops them and frees their slots.",
    "Cancel each attempt in `stop`: it ends as `cancelled`, or is dropped if it has ended already.",
)
async def stops_what_is_unwanted(scene: Scene) -> None:
    _must_hear(scene)
    request = await scene.accepted(scene.request(hang))
    unwanted = LiveRollout(rollout_id=request.rollout_id, attempt=1)
    scene.ear.unwanted = (unwanted,)
    try:
        outcome = await scene.outcome(request, timeout_s=scene.place.grace_s)
    finally:
        scene.ear.unwanted = ()
    expect(not outcome.cause.reward_valid, f"a stopped rollout ended as '{outcome.cause}' with a reward")


@check(
    "A heartbeat whose reply says `registered: false`: nobody knows the service any more; it registers "
    "again and goes on with its heartbeats.",
    "When `registered` is false, POST the registration once more until it is accepted, then beat as before.",
)
async def registers_again(scene: Scene) -> None:
    _must_hear(scene)
    scene.ear.forget()
    registration = await _registration(scene, scene.place.grace_s)
    scene.client.headers["authorization"] = f"Bearer {registration.dispatch_token}"  # the newest holds
    await _beat(scene, len(scene.ear.heartbeats) + 1)


def _must_hear(scene: Scene) -> None:
    if not scene.place.plays_orchestrator:
        raise Skipped(
            "start the environment with our address as its orchestrator, and use --orchestrator-port"
        )


async def _registration(scene: Scene, timeout_s: float) -> Registration:
    """The first that the orchestrator remembers."""
    body = await scene.ear.nth(scene.ear.registrations, 1, timeout_s)
    expect(body is not None, f"no registration within {timeout_s:g} s")
    try:
        return Registration.model_validate_json(body or b"")
    except ValidationError as error:
        raise Broken(f"the registration does not fit: {first_of(error)}") from error


async def _beat(scene: Scene, number: int) -> tuple[LiveRollout, ...]:
    """What the heartbeat of that number names."""
    body = await scene.ear.nth(scene.ear.heartbeats, number, scene.place.grace_s)
    expect(body is not None, f"no heartbeat within {scene.place.grace_s:g} s")
    try:
        return Heartbeat.model_validate_json(body or b"").running
    except ValidationError as error:
        raise Broken(f"the heartbeat does not fit: {first_of(error)}") from error


CHECKS = (registers, heartbeats_name_what_runs, stops_what_is_unwanted, registers_again)
