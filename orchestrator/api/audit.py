"""The audit trail of what people changed."""

from typing import Annotated

from fastapi import APIRouter, Query

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from orchestrator.audit import AuditPage, read_audit

router = APIRouter(prefix="/v1/audit", tags=["audit"], dependencies=allow(*READERS))


@router.get("", summary="Who changed what", responses=problems())
async def list_changes(
    orchestrator: TheOrchestrator,
    subject: Annotated[str | None, Query(description="`environment/<name>` or `admission`")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(description="the last number of the page before")] = None,
) -> AuditPage:
    """Newest first. Follow `next` with `before` for more."""
    return await orchestrator.store.read(lambda connection: read_audit(connection, subject, limit, before))
