"""Weights: the versions that the learner published, and which engines hold them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection, select

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from orchestrator.parts import Orchestrator
from orchestrator.store.tables import Record, weights
from services.contracts.words import Word
from services.kit.failure import Missing

router = APIRouter(prefix="/v1/weights", tags=["weights"], dependencies=allow(*READERS))


class WeightsView(Word):
    """One published set of weights. Version 0, from which training starts, was never published."""

    version: int
    step: int
    path: str
    digest: str
    created_at: float
    engines: tuple[str, ...]


class WeightsPage(Word):
    """Versions, newest first; `next` is what to pass as `before` for more."""

    weights: tuple[WeightsView, ...]
    next: int | None


@router.get("", summary="List weights", responses=problems())
async def list_weights(
    orchestrator: TheOrchestrator,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> WeightsPage:
    def question(connection: Connection) -> WeightsPage:
        found = select(weights).order_by(weights.c.version.desc()).limit(limit + 1)
        if before is not None:
            found = found.where(weights.c.version < before)
        rows = connection.execute(found).all()
        page = tuple(_view(orchestrator, row) for row in rows[:limit])
        return WeightsPage(weights=page, next=page[-1].version if len(rows) > limit else None)

    return await orchestrator.store.read(question)


@router.get("/{version}", summary="One set of weights", responses=problems(404))
async def get_weights(
    version: Annotated[int, Path(ge=0, le=2**31 - 1)], orchestrator: TheOrchestrator
) -> WeightsView:
    def question(connection: Connection) -> WeightsView:
        row = connection.execute(select(weights).where(weights.c.version == version)).one_or_none()
        if row is None:
            raise Missing(f"no weights of version {version}", field="version", value=version)
        return _view(orchestrator, row)

    return await orchestrator.store.read(question)


def _view(orchestrator: Orchestrator, row: Record) -> WeightsView:
    engines = orchestrator.fleet.engines.values()
    holding = tuple(engine.url for engine in engines if engine.weight_version == row.version)
    return WeightsView.model_validate({**row._asdict(), "engines": holding})
