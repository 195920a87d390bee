"""A task family without sandbox or verifier: it talks to the model as real ones do, and scores at random."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from bench.stubs.traffic import Traffic, fraction
from environments.chat import Chat
from environments.family import Play, Scored
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, TaskCard, TaskRef

_GO_ON = {"role": "user", "content": "go on"}
_MOST_TOKENS = 16


@dataclass
class TalkingFamily:
    """Implements `environments.family.Family`: as many turns as the traffic says, with work between them."""

    manifest: Manifest
    traffic: Traffic
    client: httpx.AsyncClient

    def card(self, task: TaskRef) -> TaskCard:
        return TaskCard(task=task, title=f"talk {task.index}", instruction="go on")

    async def run(self, play: Play) -> Scored:
        chat, messages = Chat(self.client, play.model, []), list[dict[str, Any]]()
        for turn in range(self.traffic.turns_of(play.rollout_id)):
            messages.append(_GO_ON)
            reply = await chat.complete(messages, _MOST_TOKENS)
            messages.append(reply.message)
            play.progress.turns += 1
            await asyncio.sleep(self.traffic.work(play.rollout_id, turn))
        reward = float(fraction(f"reward {play.rollout_id}") < 0.5)
        return Scored(Cause.COMPLETED, reward, {"luck": reward})
