"""Structured logs: one JSON object a line on standard error."""

import logging
import sys
from collections.abc import Mapping

import structlog
from structlog.tracebacks import ExceptionDictTransformer

_SECRET_KEYS = frozenset({"api_key", "token", "report_token", "dispatch_token", "authorization", "secret"})


def configure_log(process: str, level: str = "INFO") -> None:
    """Configure logging of this process; its name is in every line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _redact,
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)


def _redact(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: _redacted(key, value) for key, value in event.items()}


def _redacted(key: str, value: object) -> object:
    if key.lower() in _SECRET_KEYS:
        return "***"
    if isinstance(value, Mapping):
        return {inner: _redacted(str(inner), part) for inner, part in value.items()}
    return value
