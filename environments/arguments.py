"""The arguments of a tool call as the model wrote them: whatever that is, it is read or told to the model."""

import json
from typing import Any

_MOST_LEVELS = 64  # servers that get the arguments have parsers of their own, which are no deeper


def arguments_of(text: str) -> dict[str, Any]:
    """What can be sent on as JSON in UTF-8. Errors: ValueError, a sentence for the model.

    Nothing else may be raised: a call that breaks the environment would spare its policy the reward.
    """
    try:
        given = json.loads(text or "{}")
    except RecursionError:
        raise ValueError("the arguments are nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"the arguments are not JSON: {error}") from None
    if not isinstance(given, dict):
        raise ValueError("the arguments are not a JSON object")
    if not _within(given, _MOST_LEVELS):
        raise ValueError("the arguments are nested too deeply")
    _check_sendable(given)
    return given


def _within(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inside = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_within(one, levels - 1) for one in inside)


def _check_sendable(given: dict[str, Any]) -> None:
    """Python reads halves of surrogate pairs and infinities, which nobody else does."""
    try:
        json.dumps(given, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise ValueError("the arguments have half a character or a number without end") from None
