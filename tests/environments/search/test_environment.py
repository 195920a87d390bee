"""Whole rollouts of the family against a scripted policy over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from environments.context import OMITTED
from environments.family import Play, Scored
from environments.search.environment import SearchFamily
from environments.search.settings import SearchSettings
from environments.search.tasks import SearchTasks
from environments.search.wiring import search_family
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess, TaskRef
from services.kit.failure import Failure, Missing
from services.kit.http import http_client
from tests.environments.search.conftest import Serve
from tests.environments.search.policy import ScriptedPolicy
from tests.environments.standins import host_of

Build = Callable[[SearchSettings], SearchFamily]


@pytest.fixture
async def build(tasks_dir: Path) -> AsyncIterator[Build]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(http_client())

        def family(settings: SearchSettings) -> SearchFamily:
            return search_family(host_of("search", 100, tasks_dir, client), settings)

        yield family


@pytest.fixture
def policy(tasks: SearchTasks) -> ScriptedPolicy:
    return ScriptedPolicy({one.question: one for split in tasks.splits.values() for one in split})


def play(
    family: SearchFamily, url: str, index: int = 0, split: str = "train", seconds: float = 60.0
) -> Awaitable[Scored]:
    access = ModelAccess(base_url=f"{url}/v1", api_key="key", name="policy")
    task = TaskRef(split=split, index=index)
    return family.run(Play("rollout", 1, task, access, time.monotonic() + seconds))


async def test_a_hundred_at_once_without_one_wrong_verdict(
    build: Build, policy: ScriptedPolicy, tasks: SearchTasks, serve: Serve
) -> None:
    family, url = build(SearchSettings()), await serve(policy.answer)
    scored = await asyncio.gather(*(play(family, url, index, "evaluation") for index in range(100)))
    assert [one.reward for one in scored] == [1.0] * 100
    assert {one.cause for one in scored} == {Cause.COMPLETED}
    assert scored[0].details["answer"] == tasks.splits["evaluation"][0].answer
    assert scored[0].details["tools"]["open"] == tasks.splits["evaluation"][0].hops
    spans = scored[0].details["spans"]
    assert [span["tool"] for span in spans].count("open") == tasks.splits["evaluation"][0].hops
    assert all(left["started_at"] <= right["started_at"] for left, right in pairwise(spans))


async def test_silence_is_a_completed_rollout_worth_nothing(
    build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.trick = "silent"
    scored = await play(build(SearchSettings()), await serve(policy.answer))
    assert (scored.cause, scored.reward) == (Cause.COMPLETED, 0.0)


async def test_a_garbled_call_is_told_and_got_over(
    build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.trick = "garbled"
    assert (await play(build(SearchSettings()), await serve(policy.answer))).reward == 1.0
    assert "could not be read" in policy.asked[1][-1]["content"]


@pytest.mark.parametrize(
    ("settings", "trick", "seconds"),
    [
        (SearchSettings(max_turns=3), "endless", 60.0),
        (SearchSettings(max_tokens=50), "endless", 60.0),
        (SearchSettings(max_turns=10**6, max_tokens=10**9), "endless", 1.0),
        (SearchSettings(), "full", 60.0),
    ],
)
async def test_a_budget_that_is_used_up_is_no_error(
    settings: SearchSettings, trick: str, seconds: float, build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.trick = trick
    scored = await play(build(settings), await serve(policy.answer), seconds=seconds)
    assert (scored.cause, scored.reward) == (Cause.BUDGET, 0.0)


@pytest.mark.parametrize("trick", ["down", "nonsense"])
async def test_a_model_that_fails_is_the_engines_fault(
    trick: str, build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    policy.trick = trick
    with pytest.raises(Failure) as failure:
        await play(build(SearchSettings()), await serve(policy.answer))
    assert failure.value.cause is Cause.ENGINE


async def test_a_search_engine_that_is_down_is_the_environments_fault(
    build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    family = build(SearchSettings(engine="searxng", engine_url="http://127.0.0.1:9", engine_timeout_s=0.5))
    with pytest.raises(Failure) as failure:
        await play(family, await serve(policy.answer))
    assert failure.value.cause is Cause.ENVIRONMENT


async def test_a_short_deadline_leaves_the_agent_its_time(
    build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    scored = await play(build(SearchSettings()), await serve(policy.answer), seconds=4.0)
    assert (scored.cause, scored.reward) == (Cause.COMPLETED, 1.0)


async def test_a_search_engine_that_hangs_until_time_is_up_is_the_environments_fault(
    build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    family = build(SearchSettings(engine="searxng", engine_url=await serve(never)))
    with pytest.raises(Failure, match="search had not answered") as failure:
        await play(family, await serve(policy.answer), seconds=1.0)
    assert failure.value.cause is Cause.ENVIRONMENT


async def test_a_judge_that_is_down_is_the_verifiers_fault(
    build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    settings = SearchSettings(judge="model", judge_url="http://127.0.0.1:9/v1", judge_model="judge")
    with pytest.raises(Failure) as failure:
        await play(build(settings), await serve(policy.answer))
    assert failure.value.cause is Cause.VERIFIER


async def test_a_judge_that_takes_too_long_is_the_verifiers_fault(
    build: Build, policy: ScriptedPolicy, serve: Serve
) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    settings = SearchSettings(
        judge="model", judge_url=await serve(never), judge_model="judge", judge_reserve_s=1
    )
    policy.trick = "silent"
    with pytest.raises(Failure) as failure:
        await play(build(settings), await serve(policy.answer), seconds=2.0)
    assert failure.value.cause is Cause.VERIFIER


async def test_keep_recent_rewrites_only_old_observations(
    build: Build, policy: ScriptedPolicy, tasks: SearchTasks, serve: Serve
) -> None:
    index = next(place for place, one in enumerate(tasks.splits["train"]) if one.hops == 4)
    settings = SearchSettings(context="keep_recent", keep_rounds=2)
    scored = await play(build(settings), await serve(policy.answer), index)
    assert scored.reward == 1.0
    assert scored.details["context_rewrites"] == 6
    last = [message["content"] for message in policy.asked[-1] if message["role"] == "tool"]
    assert last[:-2] == [OMITTED] * 6
    assert OMITTED not in last[-2:]
    for before, after in zip(policy.asked, policy.asked[1:], strict=False):
        shared = [one for one in before if one["role"] != "tool"]
        assert [one for one in after if one["role"] != "tool"][: len(shared)] == shared


async def test_discard_all_starts_afresh(build: Build, policy: ScriptedPolicy, serve: Serve) -> None:
    policy.trick = "endless"
    settings = SearchSettings(context="hierarchical", context_tokens=600, max_turns=6)
    scored = await play(build(settings), await serve(policy.answer))
    assert scored.cause is Cause.BUDGET
    lengths = [len(messages) for messages in policy.asked]
    assert 2 in lengths[1:]
    assert all(messages[:2] == policy.asked[0] for messages in policy.asked)


async def test_cards_and_manifest(build: Build, tasks: SearchTasks) -> None:
    family = build(SearchSettings())
    assert family.manifest.splits == {"train": 512, "evaluation": 128}
    card = family.card(TaskRef(split="train", index=3))
    assert card.instruction == tasks.splits["train"][3].question
    assert tasks.splits["train"][3].answer not in card.model_dump_json()
    for split, index in (("train", 512), ("test", 0)):
        with pytest.raises(Missing):
            family.card(TaskRef(split=split, index=index))
