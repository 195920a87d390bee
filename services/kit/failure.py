"""Failures with addresses: an exception says where it broke, whether to retry, and what a client sees.

Failure
├── Refused         the caller is wrong (400 to 422); trying again does not help
│   ├── Forbidden   no or not the right credentials (401, 403)
│   ├── Missing     no such thing (404)
│   └── Conflict    not in this state (409)
└── Unavailable     we cannot now (429, 503, 507); trying again later can help
"""

from services.contracts.cause import Cause


class Failure(Exception):
    """Base of what Podium raises on purpose. `detail` is a sentence for a person."""

    status = 500
    title = "Failure"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        value: object = None,
        remedy: str | None = None,
        cause: Cause | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.value = None if value is None else str(value)[:200]
        self.remedy = remedy
        self.cause = cause
        self.retry_after_s = retry_after_s
        if status is not None:
            self.status = status


class Refused(Failure):
    status = 422
    title = "Refused"


class Forbidden(Refused):
    status = 403
    title = "Forbidden"


class Missing(Refused):
    status = 404
    title = "Not found"


class Conflict(Refused):
    status = 409
    title = "Conflict"


class Unavailable(Failure):
    status = 503
    title = "Unavailable"
