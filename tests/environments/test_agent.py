"""The agent's loop, between a scripted model over HTTP and tools of a few lines."""

import time
from dataclasses import dataclass
from pathlib import Path

from environments.agent import Agent, Prompt
from environments.chat import Chat
from environments.family import Progress
from environments.message import Tool
from environments.metrics import EnvironmentMetrics
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess
from services.kit.http import http_client
from tests.environments.standins import ScriptedModel, moves, served


@dataclass(frozen=True)
class Budget:
    max_turns: int = 4
    max_tokens: int = 100


class Halves:
    """Answers with half of a surrogate pair, as a server in another language may."""

    @property
    def schemas(self) -> list[Tool]:
        return []

    async def call(self, name: str, arguments: str) -> str:
        return "half \ud800"


async def test_what_a_tool_answers_can_always_be_sent_to_the_model(tmp_path: Path) -> None:
    model = ScriptedModel(moves("ls"))
    async with http_client() as client, served(model.app, tmp_path) as url:
        access = ModelAccess(base_url=f"{url}/v1", api_key="key", name="policy")
        chat, prompt = Chat(client, access, []), Prompt("system", "advice")
        agent = Agent(chat, Halves(), prompt, Budget(), Progress(), EnvironmentMetrics())
        ending = await agent.solve("go", time.monotonic() + 20)
    assert ending.cause is Cause.COMPLETED
    assert model.requests[-1]["messages"][-1]["content"] == "half ?"
