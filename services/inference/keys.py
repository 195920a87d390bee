"""Which key opens which route, as SGLang decides it."""

import secrets
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PREFIXES = ("/health", "/ready", "/metrics")
CONTROL_ROUTES = frozenset(
    {
        "/abort_request",
        "/continue_generation",
        "/flush_cache",
        "/pause_generation",
        "/update_weight_version",
        "/update_weights_from_disk",
        "/weights_checker",
    }
)


@dataclass(frozen=True)
class Keys:
    """`api` opens everything while there is no `admin` key; with one, control routes take only that."""

    api: str | None = None
    admin: str | None = None

    def admits(self, path: str, authorization: str | None) -> bool:
        if path.startswith(OPEN_PREFIXES):
            return True
        key = self.admin if path in CONTROL_ROUTES and self.admin else self.api
        if key is None:
            return True
        scheme, _, token = (authorization or "").partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(token.encode(), key.encode())


class KeyGuard:
    """Middleware that answers 401 where `keys` do not admit."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope["type"] == "http" and not self._keys.admits(
            scope["path"], Headers(scope=scope).get("authorization")
        )
        app = JSONResponse({"error": "Unauthorized"}, 401) if refused else self._app
        await app(scope, receive, send)
