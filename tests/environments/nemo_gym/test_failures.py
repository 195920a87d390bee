"""What breaks on a resources server has its cause and no reward: one of ours breaks where it is told."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI, Response

from environments.family import Play, Scored
from environments.nemo_gym.settings import NemoGymSettings
from environments.nemo_gym.wiring import nemo_gym_family
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess, TaskRef
from services.kit.failure import Failure
from services.kit.http import http_client
from tests.environments.standins import ScriptedModel, host_of, moves, served, tool_call

_ROW = {"responses_create_params": {"input": "go", "tools": [{"type": "function", "name": "act"}]}}
_ACT = {"role": "assistant", "content": "", "tool_calls": [tool_call("act", {})]}


def breaking(answers: dict[str, tuple[int, str]]) -> FastAPI:
    """Answers each path as told, with an empty object where nothing is told, and to a 0 not at all."""
    app = FastAPI()

    @app.post("/{path:path}")
    async def answer(path: str) -> Response:
        status, text = answers.get(path, (200, "{}"))
        if not status:
            await asyncio.sleep(4)
        return Response(text, status, media_type="application/json")

    return app


@dataclass
class World:
    """One family between a scripted model that acts once, and a server that breaks as `answers` say."""

    model: ScriptedModel
    answers: dict[str, tuple[int, str]] = field(default_factory=lambda: {"verify": (200, '{"reward": 1}')})
    play: Callable[[float], Awaitable[Scored]] | None = None

    async def scored(self, seconds: float = 20.0) -> Scored:
        assert self.play is not None
        return await self.play(seconds)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(f"{json.dumps(_ROW)}\n")
    world = World(ScriptedModel(moves(_ACT)))
    async with (
        http_client() as client,
        served(world.model.app, tmp_path) as model_url,
        served(breaking(world.answers), tmp_path) as url,
    ):
        settings = NemoGymSettings(server_url=url, train_file=rows)
        family = nemo_gym_family(host_of("gym", 1, tmp_path, client), settings)
        access = ModelAccess(base_url=f"{model_url}/v1", api_key="key", name="policy")
        task = TaskRef(split="train", index=0)
        world.play = lambda seconds: family.run(Play("rollout", 1, task, access, time.monotonic() + seconds))
        yield world


@pytest.mark.parametrize(
    ("path", "answer", "cause"),
    [
        ("seed_session", (500, "broken"), Cause.ENVIRONMENT),
        ("seed_session", (422, "{}"), Cause.ENVIRONMENT),
        ("act", (503, "broken"), Cause.ENVIRONMENT),
        ("verify", (500, "broken"), Cause.VERIFIER),
        ("verify", (200, "no json"), Cause.VERIFIER),
        ("verify", (200, "{}"), Cause.VERIFIER),
        ("verify", (200, '{"reward": null}'), Cause.VERIFIER),
        ("verify", (200, '{"reward": NaN}'), Cause.VERIFIER),
    ],
)
async def test_a_server_that_breaks_gives_no_reward(
    world: World, path: str, answer: tuple[int, str], cause: Cause
) -> None:
    world.answers[path] = answer
    with pytest.raises(Failure) as failure:
        await world.scored()
    assert failure.value.cause is cause


@pytest.mark.parametrize(("path", "cause"), [("verify", Cause.VERIFIER), ("act", Cause.ENVIRONMENT)])
async def test_a_server_that_hangs_gives_no_reward_before_the_deadline(
    world: World, path: str, cause: Cause
) -> None:
    world.answers[path] = (0, "")
    started = time.monotonic()
    with pytest.raises(Failure) as failure:
        await world.scored(seconds=2.0)
    assert failure.value.cause is cause
    assert time.monotonic() - started < 2.0


async def test_what_the_verdict_says_besides_is_kept_and_a_refused_call_goes_on(world: World) -> None:
    world.answers["verify"] = (200, '{"reward": 0.5, "matched": 3}')
    world.answers["act"] = (404, '{"detail": "no"}')
    scored = await world.scored()
    assert (scored.cause, scored.reward) == (Cause.COMPLETED, 0.5)
    assert scored.details["verdict"] == {"reward": 0.5, "matched": 3}
    assert world.model.requests[-1]["messages"][-1]["content"] == '{"detail": "no"}'
