"""One rollout: what it said beside the tokens, its branches, rewards, times, files, siblings and errors."""

from starlette.responses import Response
from starlette.routing import Route

from orchestrator.console.client import Declined
from orchestrator.console.session import HOME
from orchestrator.console.views import timeline as time_line
from orchestrator.console.views.branches import tree
from orchestrator.console.views.tokens import PROBABILITIES, VERSION_COLOURS
from orchestrator.console.views.turns import turns
from orchestrator.console.visit import Visit, signed_in
from orchestrator.lifecycle import GroupState, RolloutState
from orchestrator.reading import GroupDetail, RolloutDetail
from services.contracts.problem import Problem

_KEPT_HEADERS = ("content-type", "content-security-policy", "content-disposition", "x-content-type-options")


async def rollout(visit: Visit) -> Response:
    detail, missing = await _detail(visit)
    group = await visit.api.get(GroupDetail, f"/v1/groups/{detail.group_id}")
    trained, why = _trained(detail, group)
    first = visit.wanted("turn") or "0"
    versions = sorted({version for call in detail.calls for version, _, _ in call.versions})
    return await visit.page(
        "rollout.jinja",
        rollout=detail,
        group=group,
        neighbours=_neighbours(detail, group),
        missing=missing,
        untrained=why,
        branches=tree(detail.calls),
        timeline=time_line.timeline(detail),
        lanes=time_line.LANES,
        turns=turns(detail, int(first) if first.isdecimal() else 0, trained=trained),
        probabilities=PROBABILITIES,
        versions=[(version, version % VERSION_COLOURS) for version in versions],
    )


async def artifact(visit: Visit) -> Response:
    """As the API gives it: pictures and plain text are shown, all else is for saving."""
    rollout_id, attempt, name = (visit.named(part) for part in ("rollout_id", "attempt", "name"))
    reply = await visit.api.file(f"/v1/rollouts/{rollout_id}/attempts/{attempt}/artifacts/{name}")
    headers = {header: reply.headers[header] for header in _KEPT_HEADERS if header in reply.headers}
    return Response(reply.content, headers=headers)


async def cancel(visit: Visit) -> Response:
    rollout_id = visit.named("rollout_id")
    await visit.api.send("DELETE", f"/v1/rollouts/{rollout_id}")
    return visit.go(f"{HOME}rollouts/{rollout_id}")


async def _detail(visit: Visit) -> tuple[RolloutDetail, Problem | None]:
    """With tokens, or why there are none."""
    path = f"/v1/rollouts/{visit.named('rollout_id')}"
    try:
        return await visit.api.get(RolloutDetail, path, tokens=True, pieces=True), None
    except Declined as declined:
        return await visit.api.get(RolloutDetail, path), declined.problem


def _trained(detail: RolloutDetail, group: GroupDetail) -> tuple[bool, str | None]:
    """Whether its sampled tokens carry a loss, or why not."""
    if detail.purpose != "train":
        return False, "it is of an evaluation"
    if group.state == GroupState.DROPPED:
        return False, f"its group was dropped: {group.reason}"
    if detail.state == RolloutState.FAILED:
        return False, f"it failed: {detail.cause}"
    if detail.repeats == 0:
        return False, "its group was completed without it"
    return True, None


def _neighbours(detail: RolloutDetail, group: GroupDetail) -> tuple[str | None, str | None]:
    """The siblings before and after it."""
    ids = [sibling.rollout_id for sibling in group.rollouts]
    place = ids.index(detail.rollout_id)
    return (ids[place - 1] if place else None), (ids[place + 1] if place + 1 < len(ids) else None)


routes = [
    Route("/rollouts/{rollout_id}", signed_in(rollout)),
    Route("/rollouts/{rollout_id}/cancel", signed_in(cancel), methods=["POST"]),
    Route("/rollouts/{rollout_id}/attempts/{attempt}/artifacts/{name}", signed_in(artifact)),
]
