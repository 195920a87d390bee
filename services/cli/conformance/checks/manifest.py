"""The manifest, and the tasks that it counts."""

import httpx
from pydantic import ValidationError

from services.cli.conformance.check import check
from services.cli.conformance.findings import Broken, Skipped, expect
from services.cli.conformance.scene import Scene, described, first_of
from services.contracts.environment import Manifest, TaskCard, TaskRef

_NOT_FOUND = (404, 422)


@check(
    "GET /v1/manifest says name, version, splits with task counts, capacity, reward components and range.",
    'Serve a JSON object with the fields of the manifest and "contract": "podium.environment/1".',
)
async def manifest_fits(scene: Scene) -> None:
    reply = await scene.client.get("/v1/manifest")
    expect(reply.status_code == 200, f"GET /v1/manifest answered {described(reply)}")
    try:
        scene.manifest = Manifest.model_validate_json(reply.content)
    except ValidationError as error:
        raise Broken(f"the manifest does not fit: {first_of(error)}") from error


@check(
    "A split holds tasks, and the reward range is a range.",
    "Give at least one split a number above 0, and reward_range as [lowest, highest].",
)
async def manifest_offers_tasks(scene: Scene) -> None:
    manifest = scene.offered()
    expect(any(manifest.splits.values()), f"splits are {manifest.splits}")
    low, high = manifest.reward_range
    expect(low < high, f"reward_range is [{low}, {high}]")


@check(
    "GET /v1/tasks/{split}/{index} shows each task to people: title, tags and instruction.",
    "Answer 200 with task (split and index, as asked), title, tags and instruction, for every index.",
)
async def tasks_have_cards(scene: Scene) -> None:
    for split, tasks in scene.offered().splits.items():
        for index in sorted({0, tasks - 1} if tasks else ()):
            reply = await _card(scene, split, index)
            where = f"GET /v1/tasks/{split}/{index}"
            expect(reply.status_code == 200, f"{where} answered {described(reply)}")
            try:
                card = TaskCard.model_validate_json(reply.content)
            except ValidationError as error:
                raise Broken(f"{where} does not fit: {first_of(error)}") from error
            expect(card.task == TaskRef(split=split, index=index), f"{where} is of task {card.task}")
            expect(bool(card.instruction.strip()), f"{where} has no instruction")


@check(
    "A task that does not exist is 404.",
    "Answer 404 for an index at or beyond the split's count and for a split that is not in the manifest.",
)
async def unknown_tasks_are_missing(scene: Scene) -> None:
    splits = scene.offered().splits
    if not splits:
        raise Skipped("the manifest has no split")
    split, tasks = next(iter(splits.items()))
    for where, index in ((split, tasks), ("no-such-split", 0)):
        reply = await _card(scene, where, index)
        expect(reply.status_code in _NOT_FOUND, f"GET /v1/tasks/{where}/{index} answered {described(reply)}")


async def _card(scene: Scene, split: str, index: int) -> httpx.Response:
    return await scene.client.get(f"/v1/tasks/{split}/{index}")


CHECKS = (manifest_fits, manifest_offers_tasks, tasks_have_cards, unknown_tasks_are_missing)
