"""The routes of a host's boxes."""

import asyncio
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from services.kit.failure import Refused
from services.sandbox.host.archives import Archives
from services.sandbox.host.bounds import Bounds
from services.sandbox.host.boxes import Boxes
from services.sandbox.host.metrics import HostMetrics
from services.sandbox.wire import CommandReply, CommandRequest, OpenReply, OpenRequest

_TAR = "application/x-tar"


def box_routes(
    boxes: Boxes, archives: Archives, bounds: Bounds, metrics: HostMetrics, body_bytes: int
) -> APIRouter:
    router = APIRouter(prefix="/v1/sandboxes")

    @router.post("", status_code=201, summary="Open a box")
    async def open_box(request: OpenRequest) -> OpenReply:
        folder = await asyncio.to_thread(archives.folder, request.blueprint.folder)
        blueprint, limits = request.blueprint.at(folder), request.limits.limits()
        bounds.check(blueprint, limits)
        tree = None if request.tree is None else await asyncio.to_thread(archives.read, request.tree)
        box_id, box = await boxes.open(blueprint, limits, tree)
        return OpenReply(id=box_id, workdir=box.sandbox.workdir, lease_s=box.lease_s)

    @router.post("/{box_id}/commands", summary="Run a command")
    async def run(box_id: str, request: CommandRequest) -> CommandReply:
        metrics.commands.inc()
        async with boxes.using(box_id) as box:
            result = await box.run(request.command, request.timeout_s, request.user)
        return CommandReply(**asdict(result))

    @router.post("/{box_id}/reset", status_code=204, summary="Kill all in it")
    async def reset(box_id: str) -> None:
        async with boxes.using(box_id) as box:
            await box.reset()

    @router.put("/{box_id}/files", status_code=204, summary="Put files in")
    async def put(box_id: str, path: Annotated[str, Query()], request: Request) -> None:
        data = await whole_body(request, body_bytes)
        async with boxes.using(box_id) as box:
            await box.put(data, path)

    @router.get("/{box_id}/files", summary="Get files out")
    async def get(box_id: str, path: Annotated[str, Query()]) -> Response:
        async with boxes.using(box_id) as box:
            return Response(await box.get(path), media_type=_TAR)

    @router.get("/{box_id}/tree", summary="All that was written")
    async def tree(box_id: str) -> Response:
        async with boxes.using(box_id) as box:
            return Response(await box.tree(), media_type=_TAR)

    @router.post("/{box_id}/lease", status_code=204, summary="Hold it longer")
    async def lease(box_id: str) -> None:
        boxes.renew(box_id)

    @router.delete("/{box_id}", status_code=204, summary="Close it")
    async def close(box_id: str) -> None:
        await boxes.close(box_id)

    return router


async def whole_body(request: Request, most: int) -> bytes:
    """Errors: Refused (413), before more than `most` bytes are held."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise Refused(f"the body has more than {most} bytes", status=413)
    return bytes(data)
