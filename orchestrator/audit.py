"""The audit trail: who changed what, in the commit that changes it."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import Field
from sqlalchemy import Connection, insert, select

from orchestrator.store.tables import Record, audit
from services.contracts.words import Word
from services.kit.access import Claims

Result = TypeVar("Result")


@dataclass(frozen=True)
class Who:
    """Whose token a change was made with."""

    scope: str
    holder: str | None = None
    token_id: str | None = None

    @classmethod
    def bears(cls, claims: Claims) -> "Who":
        return cls(claims.scope, claims.holder, claims.token_id)


@dataclass(frozen=True)
class Audited:
    """One field that was changed."""

    subject: str
    field: str
    before: Any
    after: Any
    who: Who


class AuditEntry(Word):
    """One change. `subject` is a kind of thing and its name, such as `environment/terminal`."""

    seq: int
    at: float
    subject: str
    field: str
    before: Any
    after: Any
    changed_by: str = Field(description="the scope of the token")
    holder: str | None = Field(description="whom the token was given to")
    token_id: str | None


class AuditPage(Word):
    """Changes, newest first; `next` is what to pass as `before` for more."""

    entries: tuple[AuditEntry, ...]
    next: int | None


def keep(connection: Connection, changes: Sequence[Audited]) -> None:
    """Put changes on the record, in the commit that makes them."""
    now = time.time()
    rows = [
        {
            "at": now,
            "subject": change.subject,
            "field": change.field,
            "before": json.dumps(change.before),
            "after": json.dumps(change.after),
            "changed_by": change.who.scope,
            "holder": change.who.holder,
            "token_id": change.who.token_id,
        }
        for change in changes
    ]
    if rows:
        connection.execute(insert(audit), rows)


def audited(change: Callable[[Connection], Result], *entries: Audited) -> Callable[[Connection], Result]:
    """The change with its trail; one that turns out to change nothing (an empty result) leaves none."""

    def kept(connection: Connection) -> Result:
        result = change(connection)
        if result:
            keep(connection, entries)
        return result

    return kept


def read_audit(connection: Connection, subject: str | None, limit: int, before: int | None) -> AuditPage:
    """One page of the trail."""
    question = select(audit).order_by(audit.c.seq.desc()).limit(limit + 1)
    if subject is not None:
        question = question.where(audit.c.subject == subject)
    if before is not None:
        question = question.where(audit.c.seq < before)
    rows = connection.execute(question).all()
    page = tuple(_entry(row) for row in rows[:limit])
    return AuditPage(entries=page, next=page[-1].seq if len(rows) > limit else None)


def _entry(row: Record) -> AuditEntry:
    told = {"before": json.loads(row.before), "after": json.loads(row.after)}
    return AuditEntry.model_validate({**row._asdict(), **told})
