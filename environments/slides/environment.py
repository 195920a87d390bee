"""The slides family: one rollout is a brief, pages written with tools, and a measured reward."""

import asyncio
from dataclasses import dataclass

import httpx

from environments.agent import Agent
from environments.artifacts import Artifacts
from environments.chat import Chat
from environments.family import Play, Scored
from environments.metrics import EnvironmentMetrics
from environments.slides.deck import Deck
from environments.slides.grading import Graded, Studio
from environments.slides.prompt import PROMPT
from environments.slides.rendering.pool import RenderPool
from environments.slides.rules import Rules
from environments.slides.tasks import SlidesTasks
from environments.slides.tools.toolbox import Toolbox
from services.contracts.cause import Cause
from services.contracts.environment import Manifest, TaskCard, TaskRef
from services.kit.failure import Failure

VERSION = "1"


@dataclass(frozen=True)
class SlidesFamily:
    """Implements `environments.family.Family`. The pool must be entered before rollouts run."""

    manifest: Manifest
    tasks: SlidesTasks
    pool: RenderPool
    artifacts: Artifacts
    client: httpx.AsyncClient
    rules: Rules
    metrics: EnvironmentMetrics

    def card(self, task: TaskRef) -> TaskCard:
        return self.tasks.card(task)

    async def run(self, play: Play) -> Scored:
        """Errors: Failure with cause engine, sandbox (browser) or verifier (not graded in time)."""
        deck, studio = self.tasks.find(play.task), Studio(self.pool)
        tools = Toolbox(studio, self.rules.html_bytes)
        chat = Chat(self.client, play.model, tools.schemas)
        agent = Agent(chat, tools, PROMPT, self.rules, play.progress, self.metrics)
        ending = await agent.solve(deck.instruction, play.deadline - self._reserve_s(play))
        with self.metrics.phase("verify"):
            graded = await self._graded(studio, deck, tools.pages, play)
            pictures = {f"page-{number}.png": png for number, png in graded.screenshots.items()}
            kept = await asyncio.to_thread(self.artifacts.keep, play.rollout_id, play.attempt, pictures)
        refusals = {str(number): reason for number, reason in graded.refusals.items()}
        details, parts = {**ending.details, "refusals": refusals}, graded.components
        return Scored(ending.cause, parts["reward"], parts, details, graded.labels, kept)

    def _reserve_s(self, play: Play) -> float:
        return min(self.rules.grade_reserve_s, play.seconds_left / 4)

    async def _graded(self, studio: Studio, deck: Deck, pages: dict[int, str], play: Play) -> Graded:
        seconds = play.seconds_left - self.rules.report_reserve_s
        try:
            async with asyncio.timeout(seconds) as limit:
                return await studio.grade(deck, pages)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Failure("the pages were not graded in time", cause=Cause.VERIFIER) from None
