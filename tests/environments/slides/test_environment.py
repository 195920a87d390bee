"""Whole rollouts of the family against a scripted policy over HTTP, in the real browser."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from environments.family import Play, Scored
from environments.slides.environment import SlidesFamily
from environments.slides.reward import COMPONENTS
from environments.slides.settings import SlidesSettings
from environments.slides.tasks import SlidesTasks
from environments.slides.wiring import slides_family
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess, TaskRef
from services.kit.failure import Failure, Refused
from services.kit.http import http_client
from tests.environments.slides.policy import ScriptedPolicy
from tests.environments.standins import host_of

pytestmark = pytest.mark.chromium

Start = Callable[..., Awaitable[Scored]]


@pytest.fixture
def settings() -> SlidesSettings:
    return SlidesSettings(grade_reserve_s=20)


@pytest.fixture
def policy(tasks: SlidesTasks) -> ScriptedPolicy:
    return ScriptedPolicy({deck.instruction: deck for split in tasks.splits.values() for deck in split})


@pytest.fixture
async def family(tasks_dir: Path, settings: SlidesSettings) -> AsyncIterator[SlidesFamily]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(http_client())
        wiring = host_of("slides", 100, tasks_dir, client)
        family = slides_family(wiring, settings)
        for lifetime in wiring.lifetimes:
            await stack.enter_async_context(lifetime)
        yield family


@pytest.fixture
async def play(family: SlidesFamily, policy: ScriptedPolicy) -> AsyncIterator[Start]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", policy.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        access = ModelAccess(base_url=str(server.make_url("/v1")), api_key="key", name="policy")

        def start(index: int = 0, seconds: float = 120.0) -> Awaitable[Scored]:
            task = TaskRef(split="evaluation", index=index)
            return family.run(Play(f"rollout-{index}", 1, task, access, time.monotonic() + seconds))

        yield start


async def test_many_at_once_without_one_wrong_verdict(play: Start, family: SlidesFamily) -> None:
    scored = await asyncio.gather(*(play(index) for index in range(8)))
    assert [one.reward for one in scored] == [1.0] * 8
    assert {one.cause for one in scored} == {Cause.COMPLETED}
    assert set(scored[0].components) == set(COMPONENTS)
    for index, one in enumerate(scored):
        assert one.artifacts
        for kept in one.artifacts:
            png = family.artifacts.path(f"rollout-{index}", 1, kept.name).read_bytes()
            assert (hashlib.sha256(png).hexdigest(), kept.media_type) == (kept.sha256, "image/png")
            assert png.startswith(b"\x89PNG")


async def test_the_agent_can_look_before_it_is_done(play: Start, policy: ScriptedPolicy) -> None:
    policy.trick = "careful"
    scored = await play()
    assert (scored.reward, scored.details["tools"]) == (1.0, {"write_page": 1, "render": 1})
    seen = policy.asked[-1][-1]["content"]
    assert "Content 1280×720 px" in seen
    assert "Fault" not in seen


async def test_silence_is_a_completed_rollout_worth_nothing(play: Start, policy: ScriptedPolicy) -> None:
    policy.trick = "silent"
    scored = await play()
    assert (scored.cause, scored.reward, scored.artifacts) == (Cause.COMPLETED, 0.0, ())


async def test_wrong_calls_are_told_and_got_over(play: Start, policy: ScriptedPolicy) -> None:
    policy.trick = "garbled"
    assert (await play()).reward == 1.0
    assert "could not be read" in policy.asked[1][-1]["content"]
    policy.trick = "heavy"
    assert (await play()).reward == 0.0
    assert "Error: the page has 100000 bytes" in policy.asked[-1][-1]["content"]


@pytest.mark.parametrize("trick", ["endless", "full"])
async def test_a_budget_that_is_used_up_is_no_error(play: Start, policy: ScriptedPolicy, trick: str) -> None:
    policy.trick = trick
    scored = await play()
    assert (scored.cause, scored.reward) == (Cause.BUDGET, 0.0)


async def test_a_model_that_fails_is_the_engines_fault(play: Start, policy: ScriptedPolicy) -> None:
    policy.trick = "down"
    with pytest.raises(Failure) as failure:
        await play()
    assert failure.value.cause is Cause.ENGINE


async def test_a_browser_that_does_not_start_is_no_reward(
    tasks_dir: Path, settings: SlidesSettings, tmp_path: Path, policy: ScriptedPolicy
) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", policy.answer)
    async with TestServer(app, host="127.0.0.1") as server, http_client() as client:
        wiring = host_of("slides", 1, tasks_dir, client)
        family = slides_family(wiring, settings.model_copy(update={"chromium": broken}))
        access = ModelAccess(base_url=str(server.make_url("/v1")), api_key="key", name="policy")
        task = TaskRef(split="evaluation", index=0)
        async with family.pool:
            with pytest.raises(Failure) as failure:
                await family.run(Play("rollout", 1, task, access, time.monotonic() + 60))
    assert failure.value.cause is Cause.SANDBOX


async def test_pages_not_graded_in_time_are_the_verifiers_fault(play: Start) -> None:
    with pytest.raises(Failure) as failure:
        await play(seconds=0.35)
    assert failure.value.cause is Cause.VERIFIER


async def test_without_chromium_the_service_does_not_start(tasks_dir: Path, settings: SlidesSettings) -> None:
    absent = settings.model_copy(update={"chromium": Path("/nowhere/chromium")})
    async with http_client() as client:
        with pytest.raises(Refused, match="no Chromium"):
            slides_family(host_of("slides", 1, tasks_dir, client), absent)
