"""Plays rows of NeMo Gym against a resources server, whose `/verify` gives the reward."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from environments.agent import Agent, Prompt
from environments.chat import Chat
from environments.family import Play, Scored
from environments.host import Host
from environments.message import Message
from environments.nemo_gym.response import response_of
from environments.nemo_gym.rows import Row
from environments.nemo_gym.session import GymSession
from environments.nemo_gym.settings import NemoGymSettings
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, TaskCard, TaskRef
from services.kit.failure import Failure, Missing
from services.kit.http import http_client

VERSION = "1"
_REPORT_RESERVE_S = 0.2
_ADVICE = "The tool call could not be read. Call a tool with a JSON object of its arguments."


@dataclass(frozen=True)
class NemoGymFamily:
    """Implements `environments.family.Family`."""

    manifest: Manifest
    host: Host
    settings: NemoGymSettings
    rows: Mapping[str, Sequence[Row]]

    def card(self, task: TaskRef) -> TaskCard:
        """Errors: Missing."""
        asked = [message["content"] for message in self._row(task).messages if message["role"] == "user"]
        return TaskCard(task=task, title=f"row {task.index}", instruction="\n\n".join(asked))

    async def run(self, play: Play) -> Scored:
        """Errors: Failure of the server (environment) or of its verdict (verifier)."""
        row, settings = self._row(play.task), self.settings
        async with http_client(base_url=settings.server_url) as client:
            gym = GymSession(client, row.tools, settings.tool_timeout_s, settings.verify_timeout_s)
            await gym.seed(row.body)
            agent = self._agent(play, gym)
            reserve = min(settings.verify_timeout_s, play.seconds_left / 2)
            ending = await agent.go_on(self._opening(row), play.deadline - reserve)
            said = response_of(row.body["responses_create_params"], play.model.name, agent.said)
            with self.host.metrics.phase("verifier"):
                verdict = await self._verdict(gym, row, said, play)
        reward = float(verdict["reward"])
        return Scored(
            ending.cause, reward, {"reward": reward}, {**ending.details, "verdict": _own(verdict, row)}
        )

    async def _verdict(
        self, gym: GymSession, row: Row, said: Mapping[str, Any], play: Play
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(play.seconds_left - _REPORT_RESERVE_S) as limit:
                return await gym.verify(row.body, said)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Failure("/verify did not answer in time", cause=Cause.VERIFIER) from None

    def _agent(self, play: Play, gym: GymSession) -> Agent:
        chat = Chat(self.host.client, play.model, gym.schemas)
        prompt = Prompt(self.settings.system, _ADVICE)
        budget, metrics = self.settings, self.host.metrics
        return Agent(chat, gym, prompt, budget, play.progress, metrics, outside=lambda _: True)

    def _opening(self, row: Row) -> list[Message]:
        if row.messages[0]["role"] == "system":
            return list(row.messages)
        return [{"role": "system", "content": self.settings.system}, *row.messages]

    def _row(self, task: TaskRef) -> Row:
        rows = self.rows.get(task.split, ())
        if task.index >= len(rows):
            raise Missing(f"there is no task {task.index} in {task.split}", field="index", value=task.index)
        return rows[task.index]


def _own(verdict: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """What the verdict says beyond what it was given."""
    return {name: value for name, value in verdict.items() if name != "response" and name not in row.body}
