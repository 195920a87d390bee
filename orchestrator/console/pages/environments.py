"""Environments: all of them, one of them, and forms that register, change, drain and remove."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from orchestrator.api.environments import EnvironmentList, EnvironmentView
from orchestrator.audit import AuditPage
from orchestrator.console.client import Declined
from orchestrator.console.session import HOME
from orchestrator.console.visit import Visit, signed_in
from services.contracts.problem import Problem

_ALL = f"{HOME}environments"
_CHANGES_SHOWN = 50

Read = Callable[[str], Any]
_REGISTRATION: dict[str, Read] = {
    "name": str,
    "url": str,
    "dispatch_token": str,
    "share": float,
    "max_in_flight": int,
}
_CHANGE: dict[str, Read] = {
    "share": float,
    "min_share": float,
    "max_share": float,
    "max_in_flight": int,
    "deadline_s": float,
    "state": str,
}
_MAY_BE_NULL = ("max_in_flight", "deadline_s")


async def environments(visit: Visit) -> Response:
    return await _listed(visit, None, {})


async def register(visit: Visit) -> Response:
    fields = await visit.form()
    try:
        await visit.api.send("POST", "/v1/environments", _read(fields, _REGISTRATION))
    except Declined as declined:
        return await _listed(visit, declined.problem, fields)
    return visit.go(f"{_ALL}/{fields['name']}")


async def environment(visit: Visit) -> Response:
    return await _shown(visit, None)


async def change(visit: Visit) -> Response:
    fields, name = await visit.form(), visit.named("name")
    empty: dict[str, Any] = dict.fromkeys(_MAY_BE_NULL) if "state" not in fields else {}
    try:
        await visit.api.send("PATCH", f"/v1/environments/{name}", empty | _read(fields, _CHANGE))
    except Declined as declined:
        return await _shown(visit, declined.problem)
    return visit.go(f"{_ALL}/{name}")


async def remove(visit: Visit) -> Response:
    fields, name = await visit.form(), visit.named("name")
    if fields.get("name") != name:
        detail = f"what is live in '{name}' would be cancelled"
        problem = Problem(title="Refused", status=422, detail=detail, remedy="write its name to confirm")
        return await _shown(visit, problem)
    await visit.api.send("DELETE", f"/v1/environments/{name}")
    return visit.go(_ALL)


async def _listed(visit: Visit, problem: Problem | None, fields: dict[str, str]) -> Response:
    listed = await visit.api.get(EnvironmentList, "/v1/environments")
    status = problem.status if problem else 200
    values = {"environments": listed.environments, "problem": problem, "fields": fields}
    return await visit.page("environments.jinja", status, **values)


async def _shown(visit: Visit, problem: Problem | None) -> Response:
    name = visit.named("name")
    found = await visit.api.get(EnvironmentView, f"/v1/environments/{name}")
    trail = await visit.api.get(AuditPage, "/v1/audit", subject=f"environment/{name}", limit=_CHANGES_SHOWN)
    status = problem.status if problem else 200
    values = {"environment": found, "changes": trail.entries, "problem": problem}
    return await visit.page("environment.jinja", status, **values)


def _read(fields: dict[str, str], wanted: dict[str, Read]) -> dict[str, Any]:
    """The fields of a body. Raises Declined for one that is no number."""
    body: dict[str, Any] = {}
    for name, value in fields.items():
        if name in wanted:
            try:
                body[name] = wanted[name](value)
            except ValueError:
                detail = f"{name} '{value}' is no number"
                raise Declined(Problem(title="Refused", status=422, detail=detail, field=name)) from None
    return body


routes = [
    Route("/environments", signed_in(environments)),
    Route("/environments", signed_in(register), methods=["POST"]),
    Route("/environments/{name}", signed_in(environment)),
    Route("/environments/{name}", signed_in(change), methods=["POST"]),
    Route("/environments/{name}/remove", signed_in(remove), methods=["POST"]),
]
