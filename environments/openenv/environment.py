"""Plays episodes of an OpenEnv server: a task is a seed, the reward is what the server's steps gave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from environments.agent import Agent, Prompt
from environments.chat import Chat
from environments.family import Play, Scored
from environments.host import Host
from environments.openenv.actions import Actions, StepActions, ToolActions, has_tools
from environments.openenv.episode import Episode, text_of
from environments.openenv.session import Session, Step, session
from environments.openenv.settings import OpenEnvSettings
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, TaskCard, TaskRef
from services.kit.failure import Failure, Missing

VERSION = "1"
_FIRST_EVALUATION_SEED = 1_000_000_000
_RESERVE_S = 1.0
_ADVICE = "The tool call could not be read. Call a tool with a JSON object of its arguments."


@dataclass(frozen=True)
class OpenEnvFamily:
    """Implements `environments.family.Family`."""

    manifest: Manifest
    host: Host
    settings: OpenEnvSettings

    def card(self, task: TaskRef) -> TaskCard:
        """Errors: Missing."""
        if task.index >= self.manifest.splits.get(task.split, 0):
            raise Missing(f"there is no task {task.index} in {task.split}", field="index", value=task.index)
        seed = seed_of(task)
        said = f"What `reset` with seed {seed} says at {self.settings.server_url}."
        return TaskCard(task=task, title=f"seed {seed}", instruction=said)

    async def run(self, play: Play) -> Scored:
        """Errors: Failure (environment) if the server fails, (verifier) if it never gives a reward."""
        settings = self.settings
        timeouts = settings.connect_timeout_s, settings.step_timeout_s
        async with session(settings.server_url, *timeouts) as opened:
            episode = Episode(opened, await self._actions(opened))
            first = await opened.reset({**settings.reset, "seed": seed_of(play.task)})
            episode.take(first)
            agent = self._agent(play, episode)
            reserve = min(_RESERVE_S, play.seconds_left / 4)
            ending = await agent.solve(self._task(first), play.deadline - reserve)
        reward = self._reward(episode)
        steps = {"steps": len(episode.rewards), "done": episode.done}
        return Scored(ending.cause, reward, {"reward": reward}, {**ending.details, **steps})

    def _agent(self, play: Play, episode: Episode) -> Agent:
        chat = Chat(self.host.client, play.model, episode.schemas)
        prompt = Prompt(self.settings.system, _ADVICE)
        budget, metrics = self.settings, self.host.metrics
        return Agent(
            chat, episode, prompt, budget, play.progress, metrics, over=episode.over, outside=lambda _: True
        )

    async def _actions(self, opened: Session) -> Actions:
        model = await self._action_model()
        return ToolActions(await opened.tools()) if has_tools(model) else StepActions(model)

    async def _action_model(self) -> Mapping[str, Any]:
        try:
            response = await self.host.client.get(f"{self.settings.server_url.rstrip('/')}/schema")
            model: Mapping[str, Any] = response.raise_for_status().json()["action"]
            return model
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise Failure(f"the server's /schema: {error!r}", cause=Cause.ENVIRONMENT) from error

    def _task(self, first: Step) -> str:
        field = self.settings.prompt_field
        return str(first.observation.get(field, "")) if field else text_of(first.observation)

    def _reward(self, episode: Episode) -> float:
        if not episode.rewards:
            if episode.done:
                raise Failure("the episode ended and no step gave a reward", cause=Cause.VERIFIER)
            return 0.0  # the agent gave up before anything was worth something
        return sum(episode.rewards) if self.settings.reward == "sum" else episode.rewards[-1]


def seed_of(task: TaskRef) -> int:
    """No seed is in both splits."""
    return task.index + (_FIRST_EVALUATION_SEED if task.split == "evaluation" else 0)
