"""Every error in OpenAI's shape, with our remedy and cause beside it."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.gateway.metrics import GatewayMetrics
from services.kit.failure import Failure

log = structlog.get_logger()

_CODES = {401: "invalid_api_key", 403: "forbidden", 409: "conflict", 503: "unavailable"}
_TYPES = {401: "authentication_error", 403: "permission_error", 409: "conflict_error"}


class ClientGone(Failure):
    """Nobody is left to read this."""

    status = 499
    title = "client_gone"
    code = "client_gone"


def install_errors(app: FastAPI, metrics: GatewayMetrics) -> None:
    """Make `app` answer every error as OpenAI would, and count it by its code."""

    async def failed(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Failure)
        return respond(error)

    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return respond(Failure(str(error.detail), status=error.status_code))

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("unexpected", path=request.url.path, error=repr(error), exc_info=error)
        return respond(Failure("an unexpected error; the log of the gateway has its traceback"))

    def respond(failure: Failure) -> JSONResponse:
        metrics.refusals.labels(_code(failure)).inc()
        after = failure.retry_after_s
        headers = {} if after is None else {"retry-after": str(max(1, round(after)))}
        return JSONResponse({"error": error_of(failure)}, failure.status, headers)

    app.add_exception_handler(Failure, failed)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(Exception, unexpected)


def error_of(failure: Failure) -> dict[str, Any]:
    """OpenAI's error object; `remedy`, `cause` and `value` are ours."""
    ours = {"value": failure.value, "remedy": failure.remedy, "cause": failure.cause}
    return {
        "message": failure.detail,
        "type": _TYPES.get(failure.status, failure.title),
        "param": failure.field,
        "code": _code(failure),
        **{name: value for name, value in ours.items() if value is not None},
    }


def _code(failure: Failure) -> str:
    return str(getattr(failure, "code", _CODES.get(failure.status, "error")))
