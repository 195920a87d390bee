"""Every error of a FastAPI app as problem+json: ours, FastAPI's, and what nobody expected."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.contracts.problem import Problem
from services.kit.failure import Failure

log = structlog.get_logger()


def install_problems(app: FastAPI) -> None:
    """Make `app` answer every error with `application/problem+json`."""
    app.add_exception_handler(Failure, _failure)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def problem_response(problem: Problem, retry_after_s: float | None = None) -> JSONResponse:
    headers = {} if retry_after_s is None else {"retry-after": str(max(1, round(retry_after_s)))}
    return JSONResponse(
        problem.model_dump(exclude_none=True), problem.status, headers, media_type="application/problem+json"
    )


def problem_of(failure: Failure) -> Problem:
    return Problem(
        title=failure.title,
        status=failure.status,
        detail=failure.detail,
        field=failure.field,
        value=failure.value,
        remedy=failure.remedy,
        cause=failure.cause,
    )


async def _failure(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Failure)
    return problem_response(problem_of(error), error.retry_after_s)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(_problem_of_validation(error.errors()))


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = problem_response(Problem(title="Refused", status=error.status_code, detail=str(error.detail)))
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected", path=request.url.path, error=repr(error), exc_info=error)
    detail = "an unexpected error; the log of this process has its traceback"
    return problem_response(Problem(title="Failure", status=500, detail=detail))


def _problem_of_validation(errors: Sequence[Any]) -> Problem:
    first = errors[0]
    unreadable = first["type"] == "json_invalid"
    field = "" if unreadable else ".".join(str(part) for part in first["loc"] if part != "body")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(
        title="Refused",
        status=422,
        detail=f"{field or 'body'}: {first['msg']}{more}",
        field=field or None,
        value=None if unreadable or first["type"] == "missing" else repr(first.get("input"))[:200],
        remedy="send a body that fits this operation's schema in /openapi.json",
    )
