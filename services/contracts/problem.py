"""Errors over HTTP: RFC 9457 problem details with the field, its value and the remedy."""

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """`application/problem+json`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    value: str | None = None
    remedy: str | None = None
    cause: str | None = None
