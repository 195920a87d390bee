"""The console as an app of its own, to be mounted at `/console` of the one whose REST API it calls."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from orchestrator.api.bearer import Bearer
from orchestrator.console.client import Api, Declined
from orchestrator.console.headers import Guarded
from orchestrator.console.pages import environments, groups, overview, rollout, rollouts
from orchestrator.console.session import HOME, forget, from_our_pages, remember, within
from orchestrator.console.visit import failed, form, not_ours, rendered, templates, visitor
from services.contracts.problem import Problem
from services.kit.access import Scope

_STATIC = Path(__file__).parent / "static"
_WELCOME = (Scope.ADMIN, Scope.VIEWER)


def create_console(api: ASGIApp) -> Starlette:
    """Pages over `api`, the app that serves `/v1`."""
    console = Starlette(
        routes=[
            *overview.routes,
            *environments.routes,
            *groups.routes,
            *rollouts.routes,
            *rollout.routes,
            Route("/sign-in", _sign_in, methods=["POST"]),
            Route("/sign-out", _sign_out, methods=["POST"]),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(Guarded)],
        exception_handlers={HTTPException: _not_found},
    )
    console.state.api, console.state.templates = api, templates()
    return console


async def _sign_in(request: Request) -> Response:
    if not from_our_pages(request):
        return await failed(request, not_ours())
    fields: dict[str, str] = {}
    try:
        fields = await form(request)
        token = fields.get("token", "")
        await _check(request, token)
    except Declined as declined:
        here, problem = within(fields.get("here", HOME)), declined.problem
        values = {"visit": None, "problem": problem, "here": here}
        return await rendered(request, "sign_in.jinja", problem.status, **values)
    response = RedirectResponse(within(fields.get("here", HOME)), 303)
    remember(response, request, token)
    return response


async def _check(request: Request, token: str) -> None:
    """Raises Declined for a token that is not valid, or not for people."""
    if not token.isascii() or not token.isprintable() or not token:
        raise Declined(Problem(title="Forbidden", status=401, detail="this is no token"))
    async with Api(request.app.state.api, token, visitor(request)) as api:
        scope = (await api.get(Bearer, "/v1/bearer")).scope
    if scope not in _WELCOME:
        detail = f"a token with scope '{scope}' is for a process"
        remedy = "sign in with a viewer's or an administrator's"
        raise Declined(Problem(title="Forbidden", status=403, detail=detail, remedy=remedy))


async def _sign_out(request: Request) -> Response:
    if not from_our_pages(request):
        return await failed(request, not_ours())
    response = RedirectResponse(HOME, 303)
    forget(response)
    return response


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return await failed(request, Problem(title="Refused", status=error.status_code, detail=str(error.detail)))
