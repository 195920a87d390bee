"""One request of one visitor: what a page gets, and how it answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from orchestrator.api.bearer import Bearer
from orchestrator.console import words
from orchestrator.console.client import Api, Declined
from orchestrator.console.session import from_elsewhere, from_our_pages, token_of
from services.contracts.problem import Problem
from services.kit.access import Scope

_MOST_FORM_BYTES = 65_536
_FILTERS = (
    words.number,
    words.percent,
    words.seconds,
    words.moment,
    words.ago,
    words.short,
    words.visible,
    words.query,
    words.as_json,
    words.argument,
)


def templates() -> Environment:
    """Everything that a template prints is escaped, and what it misspells is an error."""
    environment = Environment(
        loader=PackageLoader("orchestrator.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {filter.__name__: filter for filter in _FILTERS}
    return environment


@dataclass(frozen=True)
class Visit:
    """A signed-in visitor's request."""

    request: Request
    api: Api
    scope: Scope

    @property
    def may_change(self) -> bool:
        return self.scope is Scope.ADMIN

    def wanted(self, name: str) -> str | None:
        """A query parameter; an empty one, as forms send them, is none."""
        return self.request.query_params.get(name) or None

    def named(self, name: str) -> str:
        """A part of the path, safe to be a part of another."""
        return quote(self.request.path_params[name], safe="")

    async def form(self) -> dict[str, str]:
        """The fields of a form without those left empty. Raises Declined."""
        return await form(self.request)

    async def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """In a thread, since a long rollout takes a while to draw."""
        given = {"visit": self, "problem": None, **values}
        return await rendered(self.request, template, status, **given)

    def go(self, path: str) -> Response:
        """To another page, after a form has done its work."""
        return RedirectResponse(path, 303)


Page = Callable[[Visit], Awaitable[Response]]


def signed_in(page: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page for visitors with a valid token; others are asked to sign in."""

    async def visited(request: Request) -> Response:
        token = token_of(request)
        if token is None:
            return await _asked_to_sign_in(request, None)
        if request.method == "POST" and not from_our_pages(request):
            return await failed(request, not_ours())
        async with Api(request.app.state.api, token, visitor(request)) as api:
            try:
                bearer = await api.get(Bearer, "/v1/bearer")
                return await page(Visit(request, api, bearer.scope))
            except Declined as declined:
                if declined.problem.status == 401:
                    return await _asked_to_sign_in(request, declined.problem)
                return await failed(request, declined.problem)

    return visited


async def form(request: Request) -> dict[str, str]:
    """A form's fields. Raises Declined if it is too long or not a form."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_FORM_BYTES:
            raise Declined(Problem(title="Refused", status=413, detail="the form is too long"))
    try:
        return {name: value.strip() for name, value in parse_qsl(body.decode()) if value.strip()}
    except ValueError:
        raise Declined(Problem(title="Refused", status=400, detail="the form cannot be read")) from None


async def rendered(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    environment: Environment = request.app.state.templates
    page = environment.get_template(template)
    return HTMLResponse(await asyncio.to_thread(page.render, request=request, **values), status)


async def failed(request: Request, problem: Problem) -> Response:
    return await rendered(request, "problem.jinja", problem.status, visit=None, problem=problem)


def not_ours() -> Problem:
    return Problem(
        title="Forbidden",
        status=403,
        detail="this form was not sent by a page of this address",
        remedy="open the console here and send it again",
    )


async def _asked_to_sign_in(request: Request, problem: Problem | None) -> Response:
    if from_elsewhere(request):
        return await rendered(request, "again.jinja", visit=None, problem=None)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return await rendered(request, "sign_in.jinja", 401, visit=None, problem=problem, here=here)


def visitor(request: Request) -> tuple[str, int]:
    return (request.client.host, request.client.port) if request.client else ("unknown", 0)
