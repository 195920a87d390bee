"""The record of an attempt: how it ended, and beside it what its environment reported."""

from typing import Any

from sqlalchemy import Connection, insert, update

from orchestrator.store.tables import attempts

_KEEP_ATTEMPT = insert(attempts)


def record_attempt(connection: Connection, environment: str, values: dict[str, Any]) -> None:
    """Keep how an attempt ended; what its environment reported before stays beside it."""
    if "reported_cause" not in values:
        here = (attempts.c.rollout_id == values["rollout_id"], attempts.c.attempt == values["attempt"])
        again = update(attempts).where(*here).values(**values)
        if connection.execute(again).rowcount == 1:
            return
    connection.execute(_KEEP_ATTEMPT, {"environment": environment, **values})
