"""Whatever agents do, records put together are exactly what engines were sent and what they sampled."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contracts.token_record import ids_digest
from services.contracts.words import new_id
from services.kit.access import Signer
from services.rendering.chat import ChatRenderer
from services.transport.token_store import MemoryTokenStore
from tests.services.gateway.scene import BASH, Plain, Scene, gateway, sequences

STEPS = ("follow", "follow", "follow", "strip", "again", "parallel", "rewrite", "fresh", "tools")


@dataclass
class Agent:
    """Plays steps on conversations that it remembers."""

    scene: Scene
    draw: Any
    conversations: list[list[Plain]] = field(default_factory=lambda: [[{"role": "user", "content": "hello"}]])
    tools: list[Plain] = field(default_factory=list)

    async def step(self, kind: str) -> None:
        messages = self.draw(st.sampled_from(self.conversations))
        match kind:
            case "parallel":
                asides = [[*messages, {"role": "user", "content": text}] for text in "ab"]
                said = await asyncio.gather(*(self.scene.say(aside, self.tools) for aside in asides))
                self.conversations += [[*aside, reply] for aside, reply in zip(asides, said, strict=True)]
            case "rewrite":
                cut = self.draw(st.integers(0, len(messages) - 1))
                kept = [{**m, "content": "folded"} if i == cut else m for i, m in enumerate(messages)]
                await self.turn(kept)
            case "fresh":
                await self.turn(
                    [{"role": "system", "content": "another"}, {"role": "user", "content": "task"}]
                )
            case "tools":
                self.tools = [] if self.tools else [BASH]
                await self.turn(messages)
            case "strip":
                bare = [{k: v for k, v in m.items() if k != "reasoning_content"} for m in messages]
                await self.turn([*bare, {"role": "user", "content": self.draw(st.text(max_size=6))}])
            case "again":
                await self.turn(messages)
            case _:
                await self.turn(
                    [*messages, {"role": "tool", "tool_call_id": "x", "content": "hello <think>"}]
                )

    async def turn(self, messages: list[Plain]) -> None:
        said = await self.scene.say(messages, self.tools)
        self.conversations.append([*messages, said])


@pytest.fixture
async def open_scene(renderer: ChatRenderer, signer: Signer) -> AsyncIterator[Scene]:
    async with gateway(renderer, MemoryTokenStore(), signer, context_length=100_000) as scene:
        yield scene


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=10), st.data())
async def test_records_are_what_was_sent_and_sampled(
    open_scene: Scene, steps: list[str], data: st.DataObject
) -> None:
    scene = open_scene
    scene.rollout_id = new_id()
    scene.engine.requests.clear()
    said: list[tuple[str, tuple[int, ...]]] = []
    seed, asked = data.draw(st.integers(0, 2**32)), Counter[str]()

    def say(request: Plain) -> Plain:
        """Whichever of two calls at once comes first, each gets the same reply whenever this is played."""
        prompt = ids_digest(np.asarray(request["input_ids"], np.int32))
        asked[prompt] += 1
        luck = Random(f"{seed} {prompt} {asked[prompt]}")
        finish = luck.choice(["stop", "length"])
        ids = [luck.randint(3, 511) for _ in range(luck.randint(0, 12))]
        ids.append(scene.renderer.stop_token_ids[0] if finish == "stop" else 7)
        said.append((prompt, tuple(ids)))
        return scene.engine.reply(ids, finish)

    scene.engine.say = say
    agent = Agent(scene, data.draw)
    await agent.turn(agent.conversations[0])
    for step in steps:
        await agent.step(step)

    records = await scene.records()
    recorded = [(r.arrays.input_digest, tuple(r.arrays.sampled.tolist())) for r in records]
    assert Counter(recorded) == Counter(said), "each sampled token is in one record, with the ids it followed"
    assert [record.header.index for record in records] == list(range(len(said)))
    sequences(records)
    _assert_branches(records)
    assert await scene.metric("podium_gateway_tito_breaks_total") == 0


def _assert_branches(records: Any) -> None:
    """A branch is a chain: no two of its calls follow on the same one."""
    places = [(record.header.branch, record.header.parent) for record in records]
    assert len(set(places)) == len(places)
    branch_of = {record.header.call_id: record.header.branch for record in records}
    openings = [r.header.branch for r in records if branch_of.get(r.header.parent or "") != r.header.branch]
    assert len(openings) == len(set(openings)) == len(set(branch_of.values()))
