"""The audit trail: who changed what that decides about shares, limits and admission."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from orchestrator.store.tables import Record, audit
from services.contracts.words import Word


@dataclass(frozen=True)
class Audited:
    """One field that was changed, by the bearer of a scope."""

    subject: str
    field: str
    before: Any
    after: Any
    changed_by: str


class AuditEntry(Word):
    """One change. `subject` is `environment/<name>` or `admission`; `changed_by` a scope."""

    seq: int
    at: float
    subject: str
    field: str
    before: Any
    after: Any
    changed_by: str


class AuditPage(Word):
    """Changes, newest first; `next` is what to pass as `before` for more."""

    entries: tuple[AuditEntry, ...]
    next: int | None


def keep(connection: Connection, changes: Sequence[Audited], now: float) -> None:
    """Put changes on the record, in the commit that makes them."""
    rows = [
        {
            "at": now,
            "subject": change.subject,
            "field": change.field,
            "before": json.dumps(change.before),
            "after": json.dumps(change.after),
            "changed_by": change.changed_by,
        }
        for change in changes
    ]
    if rows:
        connection.execute(insert(audit), rows)


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
