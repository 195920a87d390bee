"""Progress: the state of everything, once or every second."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from orchestrator.parts import Orchestrator
from orchestrator.progress import Progress

router = APIRouter(prefix="/v1/progress", tags=["progress"], dependencies=allow(*READERS))
_PERIOD_S = 1.0


@router.get("", summary="The state of everything", responses=problems())
async def get_progress(orchestrator: TheOrchestrator) -> Progress:
    return orchestrator.overview.progress()


@router.get(
    "/stream",
    summary="The state of everything, every second",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **problems()},
)
async def stream_progress(orchestrator: TheOrchestrator) -> StreamingResponse:
    """Server-sent events; the data of each is a `Progress`."""
    return StreamingResponse(_events(orchestrator), media_type="text/event-stream")


async def _events(orchestrator: Orchestrator) -> AsyncIterator[str]:
    while True:
        yield f"data: {orchestrator.overview.progress().model_dump_json()}\n\n"
        await asyncio.sleep(_PERIOD_S)
