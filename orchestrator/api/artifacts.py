"""Artifacts: files that attempts left for people, such as screenshots and diffs."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from orchestrator.api.access import READERS, TheOrchestrator, allow, problems
from orchestrator.artifacts import File
from orchestrator.reading import read_rollout
from services.contracts.words import Id

router = APIRouter(prefix="/v1/rollouts", tags=["rollouts"])

_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_TEXTS = frozenset({"application/json", "application/x-ndjson"})
_ALONE = "default-src 'none'; sandbox"


@router.get(
    "/{rollout_id}/attempts/{attempt}/artifacts/{name}",
    summary="A file that an attempt left",
    dependencies=allow(*READERS),
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}, **problems(404, 503)},
)
async def get_artifact(
    rollout_id: Id,
    attempt: int,
    name: Annotated[str, Path(max_length=200)],
    orchestrator: TheOrchestrator,
) -> Response:
    """Fetched from its environment. Pictures and texts come as such; anything that a browser could run, as
    a page of this address or at all, comes as bytes to save."""
    detail = await orchestrator.store.read(lambda connection: read_rollout(connection, rollout_id))
    file = await orchestrator.artifacts.fetch(detail, attempt, name)
    headers = {"content-security-policy": _ALONE, "x-content-type-options": "nosniff"}
    shown = _shown_as(file)
    if shown is None:
        headers["content-disposition"] = "attachment"
    return Response(file.data, media_type=shown or "application/octet-stream", headers=headers)


def _shown_as(file: File) -> str | None:
    """The media type under which a browser may show it, or None."""
    if file.media_type in _PICTURES:
        return file.media_type
    if file.media_type.startswith("text/") or file.media_type in _TEXTS:
        return "text/plain; charset=utf-8"
    return None
