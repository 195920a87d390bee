"""Removes what belongs to no living box: what an owner that crashed, or an engine that stumbled, left.

A box lives as long as its main container, which ends by itself with its owner. So whatever carries the
label of a box whose main container is gone is an orphan, whoever made it. What comes before its main
container, or without one, has the time that it needs.
"""

import time
from collections import defaultdict
from functools import partial
from typing import Any
from uuid import uuid4

from docker.errors import APIError

from services.sandbox.docker.engine import Engine

LABEL = "podium.box"
ROLE = "podium.role"
MAIN = "main"
GATE = "gate"
SEED = "seed"
_OURS = uuid4().hex[:12]  # of this process
_STARTS_WITHIN_S = 60.0
_ALONE_FOR_S = {GATE: _STARTS_WITHIN_S, SEED: 600.0}


def new_box() -> str:
    """A value of LABEL, by which its containers and volumes are those of one box and of this process."""
    return f"{_OURS}-{uuid4().hex}"


def boxes_left(engine: Engine) -> list[str]:
    """The names of what this process has made and is still there. Blocks."""
    of_boxes = {"label": LABEL}
    containers = engine.api.containers(all=True, filters=of_boxes)
    volumes = engine.api.volumes(filters=of_boxes)["Volumes"] or []
    ours = [one for one in (*containers, *volumes) if one["Labels"][LABEL].startswith(_OURS)]
    return [one["Names"][0].strip("/") if "Names" in one else one["Name"] for one in ours]


async def reap(engine: Engine) -> list[str]:
    """The names of what was removed. Errors: SandboxFailure."""
    return await engine.work(partial(_reap, engine.api))


def orphans(containers: list[dict[str, Any]], now: float) -> list[dict[str, Any]]:
    """Of the engine's list of containers, those whose box does not live."""
    boxes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for container in containers:
        boxes[container["Labels"][LABEL]].append(container)
    dead = (box for box in boxes.values() if not any(_lives(container, now) for container in box))
    return [container for box in dead for container in box if not _waits(container, now)]


def _lives(container: dict[str, Any], now: float) -> bool:
    if container["Labels"].get(ROLE) != MAIN:
        return False
    if container["State"] == "created":
        return bool(now - container["Created"] < _STARTS_WITHIN_S)
    return container["State"] in ("running", "paused", "restarting")


def _waits(container: dict[str, Any], now: float) -> bool:
    """Whether it is so young that its main container need not be there."""
    longest = _ALONE_FOR_S.get(container["Labels"].get(ROLE, ""), 0.0)
    return bool(now - container["Created"] < longest)


def _reap(api: Any) -> list[str]:
    of_boxes = {"label": LABEL}
    # Volumes first: one that is made after this look is not taken for an orphan.
    volumes = api.volumes(filters=of_boxes)["Volumes"] or []
    containers = api.containers(all=True, filters=of_boxes)
    dead = orphans(containers, time.time())
    alive = {one["Labels"][LABEL] for one in containers if one not in dead}
    remove = partial(api.remove_container, v=True)
    removed = [one["Names"][0].strip("/") for one in dead if _gone(remove, one["Id"])]
    left = [volume["Name"] for volume in volumes if volume["Labels"][LABEL] not in alive and _old(volume)]
    return removed + [name for name in left if _gone(api.remove_volume, name)]


def _old(volume: dict[str, Any]) -> bool:
    """Whether the box it was made for has had the time to start."""
    return float(volume["Labels"].get("podium.made", 0)) < time.time() - _STARTS_WITHIN_S


def _gone(remove: Any, name: str) -> bool:
    try:
        remove(name, force=True)
    except APIError:  # somebody else removes it, or it is still in use: the next round sees
        return False
    return True
