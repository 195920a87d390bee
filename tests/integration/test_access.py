"""Every operation of every service against every wrong token: generated, so that none is forgotten."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest

from services.contracts.words import new_id
from services.inference.keys import CONTROL_ROUTES, OPEN_PREFIXES
from services.kit.access import BOUND, Claims, Scope, Signer
from tests.integration.conftest import DISPATCH_TOKEN, ENGINE_KEYS, SECRET, Service, Services

OPEN = {"/healthz"}  # liveness, without which nobody would start or restart a process
# What FastAPI serves about itself, and metrics, which hold no secret and no id.
BESIDE = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc", "/metrics"}
# The console signs in with a token of its own and asks the API for all it shows; `/` leads there.
CONSOLE = {"/", "/console"}
ROLLOUT, OTHER = new_id(), new_id()
EXAMPLES = {"rollout_id": ROLLOUT, "attempt": "1", "name": "terminal", "split": "train"}
ID_LIKE = re.compile(r"_id$")


@dataclass(frozen=True)
class Operation:
    """One operation as its document has it; `scopes` None: it asks for no token at all."""

    method: str
    path: str
    scopes: tuple[str, ...] | None

    @property
    def address(self) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: _example(found.group(1)), self.path)


def _example(name: str) -> str:
    return EXAMPLES.get(name) or (new_id() if ID_LIKE.search(name) else "1")


def operations(service: Service) -> list[Operation]:
    document = service.app.openapi()
    return [
        Operation(method.upper(), path, _scopes(operation))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _scopes(operation: dict[str, Any]) -> tuple[str, ...] | None:
    """Of the requirements that name scopes; one without any comes from the scheme itself."""
    if not (required := operation.get("security")):
        return None
    return tuple({scope for one in required for scopes in one.values() for scope in scopes})


def claims_of(scope: Scope, rollout_id: str = ROLLOUT, attempt: int = 1) -> Claims:
    bound = scope in BOUND
    return Claims(scope, rollout_id if bound else None, attempt if bound else None)


def status(client: httpx.Client, operation: Operation, token: str | None) -> int:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    if not operation.path.endswith("/stream"):  # which would never end
        return client.request(operation.method, operation.address, headers=headers).status_code
    with client.stream(operation.method, operation.address, headers=headers) as reply:
        return reply.status_code


@cache
def minted(claims: Claims, lifetime_s: float = 600, secret: str = SECRET) -> str:
    """The same for the same claims: the orchestrator writes down every token that it meets."""
    return Signer(secret).mint(claims, lifetime_s)


def wrong_tokens(operation: Operation) -> Iterator[tuple[str, str, int]]:
    """What it is, the token, and the status it must get."""
    assert operation.scopes, f"{operation} names no scope: use `bearer` or `allow`"
    opens = Scope(operation.scopes[0])
    yield "rubbish", "rubbish", 401
    yield "of another secret", minted(claims_of(opens), secret=SECRET[::-1]), 401
    yield "expired", minted(claims_of(opens), -1), 401
    for scope in set(Scope) - {Scope(name) for name in operation.scopes}:
        yield f"scope {scope}", minted(claims_of(scope)), 403
    if opens in BOUND and "{rollout_id}" in operation.path:
        yield "another rollout's", minted(claims_of(opens, OTHER)), 403
        yield "another attempt's", minted(claims_of(opens, attempt=2)), 403
    if opens is Scope.ENVIRONMENT and "{name}" in operation.path:
        yield "another environment's", minted(Claims(opens, environment="other")), 403


@pytest.mark.parametrize("name", ["orchestrator", "gateway", "sandbox"])
def test_no_operation_opens_without_its_own_scope(services: Services, name: str) -> None:
    service = services[name]
    found = [operation for operation in operations(service) if operation.path not in OPEN]
    assert len(found) >= 2
    wrong = []
    with httpx.Client(base_url=service.url, timeout=20) as client:
        for operation in found:
            if (got := status(client, operation, None)) != 401:
                wrong.append((operation, "no token", got))
            for what, token, expected in wrong_tokens(operation):
                if (got := status(client, operation, token)) != expected:
                    wrong.append((operation, what, got))
    assert not wrong, "\n".join(map(str, wrong))


def test_every_scope_that_an_operation_names_opens_it(services: Services) -> None:
    """Or the test above would pass on doors that nobody can open."""
    service, shut = services["orchestrator"], []
    with httpx.Client(base_url=service.url, timeout=20) as client:
        for operation in operations(service):
            for scope in operation.scopes or ():
                token = minted(claims_of(Scope(scope)))
                if (got := status(client, operation, token)) in (401, 403):
                    shut.append((operation, scope, got))
    assert not shut, "\n".join(map(str, shut))


def test_an_environment_takes_its_dispatch_token_alone(services: Services) -> None:
    service = services["environment"]
    admin = minted(Claims(Scope.ADMIN))
    with httpx.Client(base_url=service.url) as client:
        for operation in operations(service):
            expected = {200} if operation.path in OPEN else {401}
            for token in (None, "rubbish", admin, DISPATCH_TOKEN[:-1]):
                assert {status(client, operation, token)} == expected, (operation, token)
            assert status(client, operation, DISPATCH_TOKEN) != 401, operation


def test_an_engine_takes_its_keys_and_control_its_own(services: Services) -> None:
    service = services["engine"]
    with httpx.Client(base_url=service.url, timeout=20) as client:
        for operation in operations(service):
            if operation.path.startswith(OPEN_PREFIXES):
                continue
            for token in (None, "rubbish"):
                assert status(client, operation, token) == 401, (operation, token)
            if operation.path in CONTROL_ROUTES:
                assert status(client, operation, ENGINE_KEYS.api) == 401, operation


@pytest.mark.parametrize("name", ["orchestrator", "gateway", "environment", "engine", "learner", "sandbox"])
def test_no_route_hides_from_the_document(services: Services, name: str) -> None:
    """What is not in it is not tested above."""
    service = services[name]
    documented = set(service.app.openapi()["paths"])
    assert set(paths(service.app.routes)) - documented - BESIDE - CONSOLE == set()


def paths(routes: Iterable[Any]) -> Iterator[str]:
    """Of routes, and of the routers that were included."""
    for route in routes:
        if inner := getattr(route, "original_router", None):
            yield from (inner.prefix + path for path in paths(inner.routes) if inner.prefix not in path)
            yield from (path for path in paths(inner.routes) if inner.prefix in path)
        else:
            yield str(getattr(route, "path", route))
